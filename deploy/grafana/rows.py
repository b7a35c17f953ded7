"""The dashboard's panels, row by row. A panel with a series per key shows only the `$top` most important keys."""

from __future__ import annotations

from panels import Panel, bars, graph, number, timeline
from queries import busiest, gauge, increase, only_top, quantile, rate, requests, series, total

GOOD, WARN, BAD = "green", "orange", "red"
KEY, MODEL = 'key=~"$key"', 'model=~"$model"'
STATES = {
    1: ("closed", "green"),
    2: ("cooling", "yellow"),
    3: ("half_open", "blue"),
    4: ("open", "orange"),
    5: ("no_quota", "purple"),
    6: ("dead", "red"),
    7: ("draining", "gray"),
    8: ("disabled", "light-blue"),
}


def overview() -> list[Panel]:
    finished = "propintel:jobs_finished:increase1h"
    reported = "propintel_key_report_timestamp_seconds"
    left_usd = gauge("propintel_budget_left", 'budget="day"', 'unit="usd"')
    return [
        number(
            "Keys that take requests",
            {
                "healthy": gauge("propintel_openai_keys_healthy"),
                "configured": gauge("propintel_openai_keys_configured"),
            },
            steps=((None, BAD), (1, GOOD)),
        ),
        number(
            "Key pool",
            {"": gauge("propintel_openai_pool_shared")},
            words={1: ("shared by the fleet", GOOD), 0: ("Redis lost", BAD)},
            about="Redis lost: every process goes on with its share, and the pool's figures are unknown meanwhile.",
        ),
        number(
            "Latest key report", {"": f"time() - {gauge(reported)}"}, "s", steps=((None, GOOD), (120, WARN), (180, BAD))
        ),
        number(
            "Failed jobs, last hour",
            {"": f"{total('', series(finished, 'outcome="failed"'))} / ({total('', series(finished))} > 0)"},
            "percentunit",
            steps=((None, GOOD), (0.1, WARN), (0.25, BAD)),
        ),
        number("Spent today", {"": gauge("propintel_spent_today", 'unit="usd"')}, "currencyUSD"),
        number("Budget left today", {"": left_usd}, "currencyUSD", steps=((None, BAD), (0.01, GOOD))),
        graph("Jobs by state", {"{{state}}": gauge("propintel_jobs")}, stack=True),
        graph(
            "Jobs finished a minute",
            {"{{outcome}}": f"60 * {total('outcome', rate('propintel_jobs_finished_total'))}"},
            stack=True,
        ),
        graph(
            "Alerts of the key report",
            {"{{alert}} ({{severity}})": f"{gauge('propintel_alerts_firing')} > 0"},
            stack=True,
        ),
    ]


def keys() -> list[Panel]:
    share = series("propintel:openai_key_rate_limited:share1h", KEY)
    troubled = total("key", f"count_over_time({_key_state('state!="closed"')}[$__range] @ end())")
    capacity = f"{gauge('propintel_openai_capacity', MODEL)} / {gauge('propintel_openai_limit', MODEL)}"
    capacity_now = f"({_at_end('propintel_openai_capacity')}) / ({_at_end('propintel_openai_limit')})"
    in_flight = gauge("propintel_openai_key_in_flight", KEY)
    age = f"time() - {gauge('propintel_openai_key_first_seen_timestamp_seconds', KEY)}"
    return [
        graph("Requests by outcome", {"{{outcome}}": total("outcome", requests())}, "reqps", width=12, stack=True),
        graph("Requests of the busiest keys", {"{{key}}": busiest(total("key", requests()))}, "reqps", width=12),
        timeline(
            "States of keys that were out of rotation",
            {"{{key}}": only_top(f"max by (key) ({_state_codes()})", troubled)},
            STATES,
            about="The keys that were longest out of rotation in the time that is shown; no other key was.",
        ),
        graph("Keys by state", {"{{state}}": f"count by (state) ({gauge('propintel_openai_key_state')})"}, stack=True),
        graph(
            "What befell the keys",
            {"{{to}}": total("to", increase("propintel_openai_key_transitions_total", KEY, over="$__rate_interval"))},
            about="Circuits that opened and closed, refusals (dead), money gone, rests after a 429.",
        ),
        graph(
            "Share of 429 in an hour",
            {"{{key}}": only_top(share, f"max_over_time({share}[$__range] @ end())")},
            "percentunit",
            about="The keys with the highest share. The pool plans to get none.",
        ),
        graph(
            "Capacity left of a limit",
            {
                "{{limit_group}} {{model}} {{unit}}": only_top(
                    capacity, capacity_now, by="limit_group, model, unit", pick="bottomk"
                )
            },
            "percentunit",
            about="The limits with the least capacity now.",
        ),
        graph(
            "Time without capacity",
            {"{{model}} {{unit}}": rate("propintel_openai_saturated_seconds_total", MODEL)},
            "percentunit",
            about="Share of time in which no key had capacity for a request of that size, by the limit.",
        ),
        graph(
            "Refused for a reason",
            {"{{reason}}": total("reason", rate("propintel_openai_refusals_total", MODEL))},
            "reqps",
        ),
        graph("Wait for a key", _quantiles("model", "propintel_openai_wait_seconds", MODEL), "s", width=8),
        graph("Requests under way, busiest keys", {"{{key}}": busiest(in_flight)}),
        bars(
            "Oldest keys",
            {"{{key}}": f"topk($top, {age})"},
            "s",
            steps=((None, GOOD), (75 * 86400, WARN), (90 * 86400, BAD)),
            about="Since a key was first seen. Keys are to be replaced every 90 days.",
        ),
    ]


def jobs() -> list[Panel]:
    return [
        graph("Messages in queues", {"{{queue}}": gauge("propintel_queue_messages")}, stack=True),
        graph("Age of the oldest queued job", {"age": gauge("propintel_oldest_queued_job_age_seconds")}, "s"),
        graph("Time of a job", _quantiles("outcome", "propintel_job_seconds"), "s"),
        graph(
            "Failed jobs", {"{{error}}": rate("propintel_jobs_finished_total", 'outcome="failed"')}, "ops", stack=True
        ),
        graph("Waits for capacity", {"{{reason}}": rate("propintel_job_deferrals_total")}, "ops", stack=True),
        graph(
            "Retries and recoveries",
            {
                "retry: {{reason}}": rate("propintel_job_retries_total"),
                "recovered: {{reason}}": rate("propintel_jobs_recovered_total", 'reason!="due"'),
            },
            "ops",
            about="Recovered are jobs whose worker died (lease), whose sender did (unsent), whose message was lost, or "
            "that a worker gave back when it ended (returned). Those whose deferral was over (due) are left out.",
        ),
        graph("Pages", {"{{outcome}}": rate("propintel_pages_total")}, "ops", stack=True),
        graph("Time of a fetch", _quantiles("", "propintel_fetch_seconds"), "s"),
        graph("Stored values by source", {"{{source}}": rate("propintel_fields_total")}, "ops", stack=True),
        graph(
            "Questions to the model",
            {
                "{{outcome}}": rate("propintel_model_answers_total"),
                "values dropped: not in the page": rate("propintel_model_values_dropped_total"),
            },
            "ops",
        ),
        graph("Time of a question", _quantiles("model", "propintel_model_call_seconds", MODEL), "s"),
        graph(
            "Batches, callbacks and notifications",
            {
                "batches completed": increase("propintel_batches_completed_total", over="$__rate_interval"),
                "callback: {{outcome}}": increase("propintel_callbacks_total", over="$__rate_interval"),
                "alert: {{outcome}}": increase("propintel_alert_notifications_total", over="$__rate_interval"),
            },
        ),
    ]


def money() -> list[Panel]:
    tokens, cost = "propintel_openai_tokens_total", "propintel_openai_cost_usd_total"
    cached = total("model", rate("propintel_openai_cached_tokens_total", KEY, MODEL))
    given = total("model", rate(tokens, 'kind="input"', KEY, MODEL))
    by_key = total("key", increase(cost, KEY, MODEL))
    return [
        graph(
            "Tokens a minute",
            {"{{model}} {{kind}}": f"60 * {total('model, kind', rate(tokens, KEY, MODEL))}"},
            width=12,
            stack=True,
        ),
        graph(
            "Cost an hour by model",
            {"{{model}}": f"3600 * {total('model', rate(cost, KEY, MODEL))}"},
            "currencyUSD",
            width=12,
            stack=True,
            about="Estimated from the price table.",
        ),
        bars(
            "Dearest keys",
            {"{{key}}": f"topk($top, {by_key})"},
            "currencyUSD",
            steps=((None, "blue"),),
            about="In the time that is shown.",
        ),
        bars(
            "Budgets spent",
            {"{{budget}} {{unit}}": f"1 - {gauge('propintel_budget_left')} / {gauge('propintel_budget_limit')}"},
            "percentunit",
            steps=((None, GOOD), (0.75, WARN), (0.9, BAD)),
            about="Empty if no budget is configured.",
        ),
        bars(
            "Keys with the least budget left",
            {"{{key}} {{unit}}": f"bottomk by (unit) ($top, {gauge('propintel_budget_key_left', KEY)})"},
            "short",
            steps=((None, "blue"),),
            about="Empty if no budget of a key is configured.",
        ),
        graph("Calls and tokens today", {"{{unit}}": gauge("propintel_spent_today", 'unit=~"calls|tokens"')}, width=12),
        graph(
            "Share of the input that was cached",
            {"{{model}}": f"{cached} / {given}"},
            "percentunit",
            width=12,
            about="Cached input is cheaper. In batches, models before GPT-5 have no cache.",
        ),
    ]


def http() -> list[Panel]:
    served = "propintel_http_requests_total"
    return [
        graph("Requests by route", {"{{method}} {{route}}": total("method, route", rate(served))}, "reqps", stack=True),
        graph(
            "Latency p95 by route",
            {"{{method}} {{route}}": quantile(0.95, "method, route", "propintel_http_request_seconds")},
            "s",
        ),
        graph(
            "Errors",
            {"{{status}} {{method}} {{route}}": total("status, method, route", rate(served, 'status=~"[45].."'))},
            "reqps",
        ),
        number("Version", {"{{version}}": gauge("propintel_build_info")}, name_only=True),
    ]


def _key_state(matcher: str) -> str:
    return series("propintel_openai_key_state", KEY, matcher)


def _state_codes() -> str:
    """Return an expression that gives each state its number, because a timeline cannot draw labels."""
    return " or ".join(f"{code} * {_key_state(f'state="{state}"')}" for code, (state, _) in STATES.items())


def _at_end(name: str) -> str:
    return f"max without (instance, pod) ({series(name, MODEL)} @ end())"


def _quantiles(labels: str, histogram: str, *matchers: str) -> dict[str, str]:
    legend = f" {{{{{labels}}}}}" if labels else ""
    return {
        f"p{round(share * 100)}{legend}": quantile(share, labels, histogram, *matchers) for share in (0.5, 0.95, 0.99)
    }
