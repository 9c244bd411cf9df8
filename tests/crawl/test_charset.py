"""Character sets: declared anywhere, contradicted by the bytes, or not declared at all."""

import pytest

from bigdata_demos.crawl.charset import declared_charset, decode, decode_html

TEXTS = {
    "ko": "분산 처리. 여러 대의 컴퓨터에서 데이터를 나누어 처리하는 방법을 설명한다. 작업은 여러 단계로 나뉘고 결과는 하나의 색인으로 모인다.",
    "ja": "分散処理入門。複数の計算機でデータを分けて処理する方法を説明します。結果は一つの索引にまとめられます。カタカナも使います。",
    "zh": "分布式处理。介绍如何在多台计算机上分割并处理数据。任务分为多个阶段，结果合并为一个索引。",
    "zh-Hant": "分散式處理。說明如何在多台電腦上分割並處理資料。工作分為多個階段，結果合併為一個索引。",
    "ru": "Распределённая обработка. Объясняется, как обрабатывать данные на нескольких компьютерах.",
    "uk": "Розподілена обробка. Пояснюється, як обробляти дані на кількох комп'ютерах, їжаків і ґанків.",
    "pl": "Przetwarzanie rozproszone. Wyjaśnia, jak przetwarzać dane na wielu komputerach. Zażółć gęślą jaźń.",
    "cs": "Distribuované zpracování. Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "hu": "Elosztott feldolgozás. Árvíztűrő tükörfúrógép, őszi eső, több számítógépen.",
    "de": "Verteilte Verarbeitung. Erklärt, wie Daten verarbeitet werden. Übergröße, Maße und Köpfe.",
    "fr": "Traitement distribué. Élève, façade, où, naïf, à côté de la forêt.",
    "es": "Procesamiento distribuido. El niño soñó con mañana, ¿verdad? Cómo procesar los datos.",
    "tr": "Dağıtık işleme. Verilerin birkaç bilgisayarda nasıl işlendiğini açıklar. Şişli'de ığdır, çağrı ve öğrenci.",
    "el": "Κατανεμημένη επεξεργασία. Εξηγεί πώς να επεξεργάζεστε δεδομένα σε πολλούς υπολογιστές.",
    "he": "עיבוד מבוזר. מסביר כיצד לעבד נתונים במספר מחשבים. התוצאות נאספות לאינדקס אחד.",
    "ar": "معالجة موزعة. يشرح كيفية معالجة البيانات على عدة أجهزة كمبيوتر. تجمع النتائج في فهرس واحد.",
    "th": "การประมวลผลแบบกระจาย อธิบายวิธีประมวลผลข้อมูลบนคอมพิวเตอร์หลายเครื่อง",
    "lt": "Paskirstytas apdorojimas. Ąžuolas, žąsis, šuo, ūkis, keliuose kompiuteriuose.",
}
LEGACY = [
    ("ko", "euc-kr"), ("ja", "shift_jis"), ("ja", "euc-jp"), ("zh", "gb18030"), ("zh-Hant", "big5"), ("ru", "windows-1251"),
    ("ru", "koi8-r"), ("ru", "iso8859-5"), ("uk", "windows-1251"), ("pl", "windows-1250"), ("pl", "iso8859-2"),
    ("cs", "windows-1250"), ("hu", "windows-1250"), ("de", "windows-1252"), ("fr", "windows-1252"), ("es", "windows-1252"),
    ("tr", "windows-1254"), ("el", "windows-1253"), ("he", "windows-1255"), ("ar", "windows-1256"), ("th", "cp874"),
    ("lt", "windows-1257"),
]  # fmt: skip
PAGE = "<html><head><title>t</title></head><body><p>{}</p></body></html>"


@pytest.mark.parametrize(("language", "encoding"), LEGACY)
def test_detection(language: str, encoding: str) -> None:
    """Pages that declare nothing, or what is wrong: UTF-8."""
    page = PAGE.format(TEXTS[language])
    raw = page.encode(encoding)
    assert decode(raw) == page
    assert decode_html(raw, "text/html; charset=utf-8").decode() == page


@pytest.mark.parametrize("language", TEXTS)
def test_valid_utf8_is_utf8(language: str) -> None:
    """Whatever is declared: no text in another character set of this length is valid UTF-8 by chance."""
    page = PAGE.format(TEXTS[language]).replace("<title>", "<meta charset=windows-1251><title>")
    assert decode_html(page.encode(), "text/html; charset=gbk").decode() == page


KOREAN = TEXTS["ko"].encode("euc-kr")
LATE = b"<html><head><style>" + b"a{b:c}" * 500 + b"</style>"


@pytest.mark.parametrize(
    "head",
    [
        b"<meta charset=euc-kr>",
        LATE + b"<META CHARSET='EUC-KR' />",
        LATE + b"<title>x</title><meta http-equiv=Content-Type content='text/html; charset=euc-kr'>",
        LATE + b"<body><div>" * 300 + b"<meta content='text/html;charset=euc-kr' http-equiv=content-type>",
        b'<?xml version="1.0" encoding="euc-kr"?>' + LATE,
        b"<!-- <meta charset=koi8-r> --><meta charset=euc-kr>",
        b"<script>'<meta charset=koi8-r>'</script><meta charset=euc-kr>",
        b"<style>/*<meta charset=koi8-r>*/</style><meta charset=euc-kr>",
        b"<title><meta charset=koi8-r></title><meta charset=euc-kr>",
        b"<textarea><meta charset=koi8-r></textarea><meta charset=euc-kr>",
        b"<a title='<meta charset=koi8-r>'></a><meta charset=euc-kr>",
        b"<meta name=description content='charset=koi8-r'><meta charset=euc-kr>",
        b"<meta charset=no-such-set><meta charset=euc-kr>",
    ],
)
def test_declarations(head: bytes) -> None:
    """A real element counts wherever it is; what looks like one in a comment, script, style, title or attribute does not."""
    assert declared_charset(head + KOREAN) == "cp949"
    assert decode(head + KOREAN).endswith(TEXTS["ko"])


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_byte_order_marks_come_first(mark: str) -> None:
    """Before the HTTP header and the markup."""
    page = PAGE.format(TEXTS["ja"]).replace("<title>", "<meta charset=euc-jp><title>")
    raw = ("\ufeff" + page).encode(mark) if mark[-1] == "e" else page.encode(mark)
    assert decode_html(raw, "text/html; charset=shift_jis").decode() == page


def test_header_before_markup() -> None:
    """Both are valid for these bytes."""
    raw = b"<meta charset=windows-1251>" + TEXTS["ru"].encode("koi8-r")
    assert decode(raw, "text/html; charset=koi8-r").endswith(TEXTS["ru"])


def test_a_declared_set_that_is_invalid_is_passed_over() -> None:
    """The next declaration counts, or else detection."""
    raw = b"<meta charset=euc-kr>" + KOREAN
    assert decode(raw, "text/html; charset=utf-8").endswith(TEXTS["ko"])
    raw = b"<meta charset=utf-8>" + TEXTS["ru"].encode("windows-1251")
    assert decode(raw, "text/html; charset=euc-jp").endswith(TEXTS["ru"])


def test_seven_bits() -> None:
    """ISO-2022-JP is ASCII with escapes: its declaration counts."""
    page = PAGE.format(TEXTS["ja"]).replace("<title>", "<meta charset=iso-2022-jp><title>")
    assert decode_html(page.encode("iso-2022-jp")).decode() == page


def test_hostile_markup_is_searched_in_linear_time() -> None:
    """A megabyte of what a regular expression could stumble over."""
    for piece in (b"<meta ", b'<a "', b"<a '", b"<!--", b"<title", b"<script", b"<meta charset", b'<meta content="'):
        declared_charset(piece * (1_000_000 // len(piece)) + KOREAN + b"charset")
