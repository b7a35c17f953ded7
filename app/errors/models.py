"""Errors of model calls."""

from app.errors import PropertyIntelligenceError


class ModelError(PropertyIntelligenceError, code="model_failed", facts="model reason"):
    """The model gave no usable answer. Values read from the page without a model are still stored."""

    sentence = "The model {model} gave no usable answer: {reason}."
    remedy = "The values read from the page itself are stored. Scrape again when the cause is fixed."


class BadAnswerError(ModelError, code="model_answer_bad"):
    """The model's answer cannot be used, although it is billed."""

    remedy = (
        "Other values are stored. The same question is not sent again within an hour: "
        "scrape with --refresh after that, or set another OPENAI_MODEL."
    )


class ModelRefusedError(BadAnswerError, code="model_refused"):
    sentence = "The model {model} refused to answer: {reason}."


class ModelAnswerInvalidError(BadAnswerError, code="model_answer_invalid"):
    sentence = "The answer of the model {model} is not the requested JSON: {reason}."


class ModelAnswerCutError(BadAnswerError, code="model_answer_cut"):
    """The answer was cut off. Complete values in the answer are used."""

    sentence = "The answer of the model {model} was cut off at the token limit: {reason}."


class ModelUnreachableError(ModelError, code="model_unreachable"):
    """The API gave no answer to any key: it is down, slow, or unreachable."""

    sentence = "The model {model} could not be reached: {reason}."
    remedy = (
        "Queued jobs are retried automatically; repeat a command. "
        "If it persists, check OPENAI_BASE_URL and the API's status page."
    )
    transient = True
