"""Korean labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "매매가|매매|월세|전세|전세가|가격|분양가|임대료|매매가격|거래가|희망가|매물가격",
    ),
    (
        "_Ignore",
        "관리비|보증금|융자금|해당층|평당가|평당가격|공시가격|중개보수|방향|입주가능일|주차|대출|권리금",
    ),
    (
        "ListingId",
        "매물번호|등록번호|물건번호|매물 번호",
    ),
    (
        "PropertySubType",
        "매물종류|건물유형|주택유형|종류|매물유형|건축물용도|용도|건물종류|방종류",
    ),
    (
        "_RoomsBaths",
        "방수/욕실수|방/욕실|방 수/욕실 수|방/화장실",
    ),
    (
        "RoomsTotal",
        "방 수|방수|방개수",
    ),
    (
        "BathroomsTotalInteger",
        "욕실 수|욕실수|화장실",
    ),
    (
        "LivingArea",
        "전용면적|면적|연면적|건물면적|전용 면적",
    ),
    (
        "LivingArea:0.6",
        "공급면적",
    ),
    (
        "_SecondArea",
        "공급/전용면적|계약/전용면적|공급/전용",
    ),
    (
        "LotSizeArea",
        "대지면적|토지면적|대지 면적",
    ),
    (
        "YearBuilt",
        "준공년도|사용승인일|준공연도|건축년도|준공일|사용 승인일|준공인가일",
    ),
    (
        "_Stories",
        "총층수|전체층|총 층수|층수|해당층/총층|해당층/전체층|해당층/건물층",
    ),
    (
        "Heating",
        "난방|난방방식|난방종류",
    ),
    (
        "_Address",
        "주소|소재지|위치",
    ),
    (
        "ListAgentFullName",
        "중개사|담당자|담당 공인중개사|대표",
    ),
    (
        "ListOfficeName",
        "중개사무소|공인중개사|상호|중개업소|중개소",
    ),
    (
        "PublicRemarks",
        "매물설명|상세설명",
    ),
)
