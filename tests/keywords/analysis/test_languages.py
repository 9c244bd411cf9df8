"""Languages: which one a text is in, and what each line of the table says."""

import re
import unicodedata
from pathlib import Path

import pytest
import Stemmer

from bigdata_demos.crawl.model import Page
from bigdata_demos.errors import UsageError
from bigdata_demos.keywords.analysis import languages
from bigdata_demos.keywords.analysis.languages import LANGUAGES, Rules, check, detect, known, lexicon
from bigdata_demos.keywords.analysis.stopwords import parse
from bigdata_demos.keywords.analysis.text import extract

WORDS = Path(languages.__file__).with_name("words")
SENTENCES = {
    "ar": "تقع المدينة على ضفاف النهر ويعيش فيها أكثر من مليون شخص يعملون في الصناعة والتجارة",
    "bg": "Градът се намира на брега на реката и в него живеят повече от един милион души, които работят в индустрията",
    "ca": "La ciutat es troba a la riba del riu i hi viuen més d'un milió de persones que treballen a la indústria i el comerç",
    "cs": "Město leží na břehu řeky a žije v něm více než milion lidí, kteří pracují v průmyslu a obchodu, protože je to výhodné",
    "da": "Byen ligger ved bredden af floden, og der bor mere end en million mennesker, som arbejder i industrien og handlen",
    "de": "Die Stadt liegt am Ufer des Flusses, und in ihr leben mehr als eine Million Menschen, die in der Industrie arbeiten",
    "el": "Η πόλη βρίσκεται στις όχθες του ποταμού και σε αυτήν ζουν περισσότεροι από ένα εκατομμύριο άνθρωποι",
    "en": "The city lies on the bank of the river, and more than a million people live there who work in industry and trade",
    "es": "La ciudad se encuentra a orillas del río y en ella viven más de un millón de personas que trabajan en la industria",
    "et": "Linn asub jõe kaldal ja seal elab üle miljoni inimese, kes töötavad tööstuses ja kaubanduses, sest see on kasulik",
    "fa": "این شهر در کنار رودخانه قرار دارد و بیش از یک میلیون نفر در آن زندگی می‌کنند که در صنعت و بازرگانی کار می‌کنند",
    "fi": "Kaupunki sijaitsee joen rannalla, ja siellä asuu yli miljoona ihmistä, jotka työskentelevät teollisuudessa ja kaupassa",
    "fr": "La ville se trouve au bord du fleuve et plus d'un million de personnes y vivent et travaillent dans l'industrie",
    "he": "העיר נמצאת על גדת הנהר ומתגוררים בה יותר ממיליון בני אדם העובדים בתעשייה ובמסחר",
    "hi": "यह शहर नदी के किनारे पर स्थित है और यहाँ दस लाख से अधिक लोग रहते हैं जो उद्योग और व्यापार में काम करते हैं",
    "hu": "A város a folyó partján fekszik, és több mint egymillió ember él benne, akik az iparban és a kereskedelemben dolgoznak",
    "id": "Kota ini terletak di tepi sungai dan lebih dari satu juta orang tinggal di sana yang bekerja di industri dan perdagangan",
    "it": "La città si trova sulla riva del fiume e vi abitano più di un milione di persone che lavorano nell'industria",
    "ja": "この都市は川の岸にあり、百万人以上の人々が住んでいて、工業や商業で働いています。",
    "ko": "이 도시는 강가에 있으며 백만 명이 넘는 사람들이 살면서 산업과 상업에 종사하고 있습니다.",
    "lt": "Miestas yra ant upės kranto ir jame gyvena daugiau kaip milijonas žmonių, kurie dirba pramonėje ir prekyboje",
    "lv": "Pilsēta atrodas upes krastā, un tajā dzīvo vairāk nekā miljons cilvēku, kas strādā rūpniecībā un tirdzniecībā",
    "nl": "De stad ligt aan de oever van de rivier en er wonen meer dan een miljoen mensen die in de industrie werken",
    "no": "Nå må jeg finne ut hvordan jeg får lært meg å gå på ski, og så skal vi på hytta på fjellet med ungene hvis været blir fint",
    "pl": "Miasto leży nad brzegiem rzeki i mieszka w nim ponad milion ludzi, którzy pracują w przemyśle i handlu",
    "pt": "A cidade fica na margem do rio e nela vivem mais de um milhão de pessoas que trabalham na indústria e no comércio",
    "ro": "Orașul se află pe malul râului și în el trăiesc peste un milion de oameni care lucrează în industrie și comerț",
    "ru": "Город расположен на берегу реки, и в нём живёт более миллиона человек, которые работают в промышленности и торговле",
    "sk": "Mesto leží na brehu rieky a žije v ňom viac ako milión ľudí, ktorí pracujú v priemysle a obchode, pretože je to výhodné",
    "sl": "Mesto leži na bregu reke in v njem živi več kot milijon ljudi, ki delajo v industriji in trgovini, ker je to koristno",
    "sv": "Staden ligger vid flodens strand, och där bor mer än en miljon människor som arbetar inom industrin och handeln",
    "th": "เมืองนี้ตั้งอยู่ริมฝั่งแม่น้ำและมีประชากรมากกว่าหนึ่งล้านคนที่ทำงานในภาคอุตสาหกรรมและการค้า",
    "tr": "Şehir nehrin kıyısında yer alır ve içinde sanayi ve ticarette çalışan bir milyondan fazla insan yaşamaktadır",
    "uk": "Місто розташоване на березі річки, і в ньому живе понад мільйон людей, які працюють у промисловості та торгівлі",
    "vi": "Thành phố nằm bên bờ sông và có hơn một triệu người sinh sống, làm việc trong ngành công nghiệp và thương mại",
    "zh": "这座城市位于河岸，有一百多万人居住在那里，他们在工业和商业领域工作。",
}


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_every_language(code: str) -> None:
    """A sentence or two are enough to detect a language, and it is treated by its own rules."""
    page = extract(Page("u", "s", 0, f"<p>{SENTENCES[code]}. {SENTENCES[code]}"))
    assert page.language == code
    kernel_words = Rules().lexicon(code)
    assert kernel_words.code == code


def test_sentences_for_all_that_are_detected() -> None:
    """But for languages that are too close to another one to be told apart by a sentence: Croatian and Serbian."""
    codes = list(LANGUAGES)
    assert set(codes[: codes.index("af")]) - set(SENTENCES) == {"hr", "sr"}


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_line_of_the_table(code: str) -> None:
    """Its stemmer exists, and it has stopwords, its connectors among them."""
    language, lexicon = LANGUAGES[code], Rules().lexicon(code)
    assert language.stemmer in {"", *Stemmer.algorithms()}
    assert lexicon.stopwords.words
    assert lexicon.stem(["data", "x"])[1]
    assert code == known(f" {code.upper()}-XY")


@pytest.mark.parametrize("path", sorted(WORDS.glob("stopwords_??.txt")), ids=lambda path: path.stem)
def test_own_stopwords(path: Path) -> None:
    """They are written as in the text of a page, and the language has them."""
    text = path.read_text(encoding="utf-8")
    assert text == unicodedata.normalize("NFC", text)
    assert parse(text).words <= lexicon(path.stem.removeprefix("stopwords_")).stopwords.words


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        ("en", SENTENCES["de"] * 2, "de"),  # a template's
        ("de-AT", SENTENCES["de"], "de"),
        ("nb", SENTENCES["no"], "no"),
        ("fr", "OK", "fr"),  # too short to tell
        ("", "OK", "en"),
        ("tlh", "42", "en"),  # not in the table
        ("x" * 100, "", "en"),
    ],
)
def test_declared_language(declared: str, text: str, expected: str) -> None:
    """It is believed where the text does not say otherwise."""
    assert detect(text, declared) == expected


def test_language_of_the_root_element() -> None:
    """The attribute of ``<html>`` counts; a language that is given counts more."""
    page = Page("u", "s", 0, "<!doctype html><html lang=de><body><p lang=fr>OK")
    assert extract(page).language == "de"
    assert extract(page, rules=Rules("es")).language == "es"


def test_unknown_language_is_refused() -> None:
    """With those that are known."""
    with pytest.raises(UsageError, match="must be one of af, ar, bg"):
        check("xx")


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        ("使用 Apache Spark RDD API 的方法和步骤：安装 Python package 并运行", "", "zh"),
        ("The Spark API for Java and Python 使用", "", "en"),  # too few to decide
        ("Apache Spark RDD API の使い方: install Python packages with pip", "en", "en"),
        ("東京都庁の Apache Spark API の使い方と手順の説明です", "en", "ja"),
        ("วิธีใช้ Apache Spark กับ Python ในงานวิจัยและการสอน", "en", "th"),
    ],
)
def test_words_of_other_languages_do_not_change_the_script(text: str, declared: str, expected: str) -> None:
    """A fifth of the characters decides, since technical texts have many English words."""
    assert detect(text, declared) == expected


PLACEHOLDER = (
    "Lorem ipsum dolor sit amet, consectetur adipisicing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua"
)


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        (f"Remove script tags test\n{PLACEHOLDER}", "en", "la"),
        (PLACEHOLDER, "", "la"),
        (f"{SENTENCES['en']} {SENTENCES['en']} {SENTENCES['en']}: lorem ipsum", "", "en"),  # a page about it
        (f"{SENTENCES['de']}. {PLACEHOLDER}", "de", "de"),  # placeholder text in a page that has another one
        (f"{SENTENCES['it']}. {PLACEHOLDER}", "it", "it"),
        ("Gallia est omnis divisa in partes tres, quarum unam incolunt Belgae, aliam Aquitani", "la", "la"),
    ],
)
def test_placeholder_text_is_latin(text: str, declared: str, expected: str) -> None:
    """Whatever the page declares; Latin has stopwords for all of its words."""
    assert detect(text, declared) == expected
    assert set(re.findall(r"\w+", PLACEHOLDER.lower())) <= lexicon("la").stopwords.words


def test_words_without_spaces_have_more_stopwords() -> None:
    """English function words among them, words that stopwords-iso lacks, and Thai words as they are written."""
    for code in ("zh", "ja", "th"):
        assert "the" in lexicon(code).stopwords.words
    assert {"我們", "没有", "沒有"} <= lexicon("zh").stopwords.words
    assert {"ทำ", "นำ", "สำหรับ"} <= lexicon("th").stopwords.words
    assert "the" not in lexicon("fr").stopwords.words
