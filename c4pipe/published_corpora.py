"""The crawls of Common Crawl behind the published corpora, and the languages of mC4."""

from __future__ import annotations


def _crawls(years: str) -> tuple[str, ...]:
    """Names of crawls from ``"2018-51; 2019-04 09"``."""
    return tuple(
        f"CC-MAIN-{year}-{week}"
        for year, _, weeks in (part.strip().partition("-") for part in years.split(";"))
        for week in weeks.split()
    )


APRIL_2019 = ("CC-MAIN-2019-18",)  # TFDS c4, the crawl of the English variants
WEBTEXT_CRAWLS = _crawls("2018-34 39 43 47 51; 2019-04 09 13 18 22 26 30")  # TFDS c4, August 2018 to July 2019
MC4_CRAWLS = _crawls(  # TFDS c4 3.1.0, "as of 1 Aug 2022"
    "2013-20 48; 2014-10 15 23 35 41 42 49 52; 2015-06 11 14 18 22 27 32 35 40 48; 2016-07 18 22 26 30 36 40 44 50;"
    "2017-04 09 13 17 22 26 30 34 39 43 47 51; 2018-05 09 13 17 22 26 30 34 39 43 47 51;"
    "2019-04 09 13 18 22 26 30 35 39 43 47 51; 2020-05 10 16 24 29 34 40 45 50; 2021-04 10 17 21 25 31 39 43 49;"
    "2022-05 21 27"
)
MC4_CRAWLS_2020 = MC4_CRAWLS[: MC4_CRAWLS.index("CC-MAIN-2020-34") + 1]  # TFDS c4 3.0.1, "as of 23 Sep 2020"; mT5 paper
_CODES = (  # TFDS c4 3.0.1 and 3.1.0: cld3's without bs and hr
    "af am ar az be bg bg-Latn bn ca ceb co cs cy da de el el-Latn en eo es et eu fa fi fil fr fy ga gd gl gu ha haw "
    "hi hi-Latn hmn ht hu hy id ig is it iw ja ja-Latn jv ka kk km kn ko ku ky la lb lo lt lv mg mi mk ml mn mr ms mt "
    "my ne nl no ny pa pl ps pt ro ru ru-Latn sd si sk sl sm sn so sq sr st su sv sw ta te tg th tr uk ur uz vi xh yi "
    "yo zh zh-Latn zu"
)
MC4_LANGUAGES = tuple(_CODES.split())
