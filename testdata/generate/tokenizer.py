"""Records the reference tokeniser's answers into tokenizer/testdata.

    pip install tokenizers==0.20.3
    python testdata/generate/tokenizer.py [DATA]

writes vocab.txt (a small vocabulary made from the lines below), recorded.json
(ids, type ids and truncation of made lines under several configurations) and
characters.json (hashes over every code point). DATA is the folder with
vocab/bert-base-uncased and vocab/bert-base-cased; without it the hashes for the
real vocabularies are kept as they are.
"""
import collections
import hashlib
import json
import os
import random
import struct
import sys

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

assert tokenizers.__version__ == "0.20.3", tokenizers.__version__

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "tokenizer", "testdata")
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

SCRIPTS = """The quick brown fox jumps over the lazy dog; it didn't ask, "why?" (twice).
Le cœur déçu mais l'âme plutôt naïve, Louÿs rêva de crapaüter en canoë au delà des îles.
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. STRASSE ẞ ß
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío, ¿añoraba? ¡Sí!
Pijamalı hasta yağız şoföre çabucak güvendi. İSTANBUL IĞDIR ıİ
Zażółć gęślą jaźń. Příliš žluťoučký kůň úpěl ďábelské ódy. Árvíztűrő tükörfúrógép
Tiếng Việt: Một con ngựa đau, cả tàu bỏ cỏ. Ệ ế ồ ữ
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. ΌΛΑ ΤΑ ΣΊΓΜΑ: Σς ᾳ ᾼ ᾧ
Съешь же ещё этих мягких французских булок, да выпей чаю. Ёлка Й й Ї ї
Կապույտ մեքենան արագ է։ Ինչու՞ և
דג סקרן שט בים מאוכזב ולפתע מצא חברה. שָׁלוֹם עֲלֵיכֶם־
نص حكيم له سر قاطع وذو شأن عظيم؟ السَّلامُ عَلَيْكُمْ، ٣٫١٤
پاکستان میں کیا ہو رہا ہے؟ گچپژ
ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश। क़ख़ ज्ञ १२३
আমি বাংলায় গান গাই। ড় ঢ় য় ক্ষ
ਪੰਜਾਬੀ ਵਿੱਚ ਲਿਖਿਆ ਹੈ। ਸ਼ ਖ਼
ગુજરાતી લખાણ છે. தமிழ் மொழி ழகரம் సులభమైన తెలుగు ಕನ್ನಡ ಭಾಷೆ മലയാളം
සිංහල භාෂාව ක්‍ෂ ภาษาไทยเขียนติดกัน ไม่มีช่องว่าง ๑๒๓ ພາສາລາວ
བོད་སྐད་ཡིག། མྱန်မာဘာသာ ភាសាខ្មែរ។
ქართული ენა ᲥᲐᲠᲗᲣᲚᲘ Ⴀⴀ አማርኛ ቋንቋ፡፡ ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ꭰ
中文分词很难。日本語のテスト、カタカナ・ひらがな！ ｶﾀｶﾅ ﾊﾟ パ ば
한국어 형태소 분석기 가각갂 ᄀᆞ ㅎㅏㄴ 힣
𝕳𝖊𝖑𝖑𝖔 𝐖𝐨𝐫𝐥𝐝 ①②③ Ⅷ ⅷ ﬁ ﬃ ＡＢＣ ａｂｃ ℌ Å Å K
👩‍👩‍👧‍👦 family 🏳️‍🌈 flag 🇩🇪 👍🏽 ☺️ ☹ 🤖🦾🫠 ❤️‍🔥 1️⃣
𐐀𐐨 𐌰𐌱 𒀀𒁀 𓀀 𞤀𞤢 𑄮 𑒻 𝅗𝅥 𝅘𝅥𝅮 𠀀 𪜀 𫝀 𫠠 丽 豈 更""".split("\n")

TRICKY = [
    "", " ", "\t\r\n", "\0", "a\0b", "\ufeffbyte order mark", "\ufffd", "a\ufffdb", "zero\u200bwidth", "zero\u200djoin\u200cer",
    "soft\u00adhyphen", "no\u00a0break", "thin\u2009space\u3000wide\u1680ogham\u2028line\u2029paragraph\u0085next\u180emongolian",
    "\u000bvertical\u000cform", "bell\u0007\u001b[31mred\u001b[0m\u007f", "\u202eoverride\u202c \u2066isolate\u2069",
    "e\u0301 é E\u0301 É \u0301", "a\u0328\u0301 a\u0301\u0328 ą́", "q\u0307\u0323 q\u0323\u0307", "\u0041\u030a Å Å",
    "ạ̈̃" + "\u0301" * 40 + "b" + "\u0316" * 35 + "\u302e\u1b44",
    "\u302e\u1b44 \u302e\u0301\u1b44 \u302ea\u1b44 \u302e\u0000\u1b44 \u302e\u093e\u1b44 \u302e\u0902\u1b44",
    "\U0001d15e\U0001d16d\U0001d165 \U0001d165\U0001d16d\U0001d172", "\U0001e000\U0001e94a\u0300\U0001e949",
    "İ i̇ I ı ſ K Å ǅ ǆ Ǆ ŉ ǰ ΐ ﬀ ẞ", "\u0149 \u1e9b\u0323 \u03d3 \u2126",
    "x" * 99, "x" * 100, "x" * 101, "é" * 100, "é" * 101, "e\u0301" * 100, "漢" * 101, "ß" * 100 + " a", "the" * 33, "the" * 34, "🤖" * 101,
    "don't can't won't it's", "a-b_c+d=e*f/g\\h|i~j`k^l<m>n", "1,234.56 50% $5 €5 #tag @user 3:14 a/b", "...!!!???", "''``\"\"“”‘’«»‹›—–…",
    "¡¿§¶·†‡•‰′″※‼⁇〈〉《》「」【】〜・！？；：、。", "+−×÷=≠<≤≥±∞∂∑√∫ ¢£¥ ©®™ °ªº", "http://www.example.com/?q=a%20b&c=d#e",
    "[CLS]", "[SEP]", "[PAD][UNK][MASK]", "a [MASK] b", "a[MASK]b", "[mask] [Mask] [MASK", "[[MASK]]", "[CLS [SEP]", " [SEP] ", "[ MASK ]",
    "word\n[MASK]\tword", "e[MASK]\u0301", "##the ##ing # #the", "[UNK]the[UNK]", "[unused1] [CLS][CLS]", "漢[MASK]字", "\u302e[MASK]\u1b44",
    "unaffable unaffordable Unbelievable UNBELIEVABLE", "thé THÉ thÉ", "ab" * 60, "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "\U000e0041tag\U000e007f", "\ue000private\uf8ff\U000f0000", "\u0378unassigned\U0001fbff\U000107ff", "\u061c\u070f\u06dd\u0600", "\ufff9a\ufffa\ufffb",
    "\u0e33\u0e4d\u0e32 \u0eb3", "\u1100\u1161\u11a8 각", "\u3131\u314f \uffa1\uffc2", "\u0958\u0915\u093c", "\u09dc \u0a33 \u0b5c \u0f43 \u0f73 \u0f75 \u0f81",
    "\u2adc \ufb1d \ufb2a \ufb4e", "\uf900\ufa0e\ufa6a\ufa70\U0002f800\U0002fa1d", "\u3400\u4dbf\u4dc0\u4e00\u9fff\ua000 \U0002a6df\U0002b73f\U0002ceaf\U0002ceb0\U00030000",
    "\U00011938 \U00011935\U00011930", "\U0001171d\U0001e130\U0001e2ec", "\u1715\u1734\u1039", "NaN Inf -0 1e10 0x1F", "\\n \\t \\u0000 %s {} <b>&amp;</b>",
    "tab\tseparated\tvalues\r", "trailing   ", "   leading", "in  the   middle", "\u2581sentence \u0120piece Ġ ▁", "camelCase snake_case kebab-case SCREAMING_CASE",
]

POOLS = [(0x20, 0x7F), (0xA0, 0x250), (0x250, 0x370), (0x370, 0x530), (0x530, 0x700), (0x700, 0x900), (0x900, 0xE00), (0xE00, 0x1100),
         (0x1100, 0x1200), (0x1200, 0x1E00), (0x1E00, 0x2000), (0x2000, 0x2C00), (0x2C00, 0x3100), (0x3100, 0xA000), (0xA000, 0xAC00),
         (0xAC00, 0xD7A4), (0xE000, 0x10000), (0x10000, 0x12000), (0x12000, 0x1D000), (0x1D000, 0x1F000), (0x1F000, 0x20000),
         (0x20000, 0x30000), (0xE0000, 0xE01F0), (0x300, 0x370), (0, 0x20)]


def made_lines():
    r = random.Random(20)
    lines = SCRIPTS + TRICKY
    words = [w for line in SCRIPTS for w in line.split()]
    for _ in range(60):  # words of all scripts, with stray marks
        glue = ["", " ", " ", " ", "\u0301", "\u200b", "-", "[SEP]"]
        lines.append("".join(r.choice(words) + r.choice(glue) for _ in range(r.randint(2, 8))))
    for _ in range(60):  # any characters at all
        parts = []
        for _ in range(r.randint(1, 5)):
            low, high = r.choice(POOLS)
            parts.append("".join(chr(r.randrange(low, high)) for _ in range(r.randint(1, 6))))
        lines.append(r.choice(["", " "]).join(parts))
    return lines


def make_vocabulary(lines):
    """Specials, then what the words of the lines (cased and not) hold often enough, then characters."""
    pieces = collections.Counter()
    for lower in (True, False):
        normal = normalizers.BertNormalizer(lowercase=lower)
        for line in SCRIPTS + TRICKY:
            for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normal.normalize_str(line)):
                if len(word) > 30:
                    continue
                for length in (1, 2, 3, 4, len(word)):
                    for i in range(len(word) - length + 1):
                        pieces[("##" if i else "") + word[i : i + length]] += 1
    chars = sorted({p for p in pieces if len(p.replace("##", "")) == 1})
    chars = [c for c in chars if hashlib.sha256(c.encode()).digest()[0] % 8]  # so that some words are unknown
    often = [p for p, n in sorted(pieces.items(), key=lambda x: (-x[1], x[0])) if len(p.replace("##", "")) > 1]
    return SPECIALS + chars + often[: 2000 - len(chars) - len(SPECIALS)]


def bert(vocab, added=(), processing=False, prefix="##", longest=100, **normal):
    t = Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocab)}, unk_token="[UNK]", continuing_subword_prefix=prefix, max_input_chars_per_word=longest))
    t.normalizer = normalizers.BertNormalizer(**normal)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in SPECIALS])
    t.add_tokens(list(added))
    cls, sep = t.token_to_id("[CLS]"), t.token_to_id("[SEP]")
    if processing:
        t.post_processor = processors.BertProcessing(("[SEP]", sep), ("[CLS]", cls))
    else:
        t.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", cls), ("[SEP]", sep)])
    return t


def digest(encodings):
    """SHA-256 (first 16 digits) over the number of ids, the ids, the type ids, and whether some were cut."""
    h = hashlib.sha256()
    for e in encodings:
        h.update(struct.pack(f"<i{2 * len(e.ids)}ii", len(e.ids), *e.ids, *e.type_ids, bool(e.overflowing)))
    return h.hexdigest()[:16]


def cases(lines):
    """(a, b or None, max) for every line: alone, cut, and as the first of a pair."""
    out = []
    for i, line in enumerate(lines):
        out.append((line, None, 0))
        out.append((line, None, 2 + i % 9))
        other = lines[(i * 7 + 3) % len(lines)]
        out.append((line, other, (0, 3, 4, 5, 8, 9, 16, 31, 64)[i % 9]))
    return out


def encode(t, a, b, limit):
    t.enable_truncation(limit) if limit else t.no_truncation()
    return t.encode(a, b) if b is not None else t.encode(a)


def record(name, t, lines, with_ids):
    skeleton = json.loads(t.to_str())
    skeleton["model"]["vocab"] = {}
    got = [encode(t, *case) for case in cases(lines)]
    out = {"name": name, "tokenizer": skeleton, "hashes": [digest(got[i : i + 3]) for i in range(0, len(got), 3)]}
    if with_ids:
        out["ids"] = [e.ids for e in got[::3]]
    return out


def characters():
    """Hashes per 4,096 code points of the normalised text and its words."""
    out = {}
    split = pre_tokenizers.BertPreTokenizer()
    for name, lower, strip in (("uncased", True, True), ("cased", False, False), ("lower", True, False), ("strip", False, True)):
        for clean in (True, False):
            normal = normalizers.BertNormalizer(clean_text=clean, handle_chinese_chars=clean, strip_accents=strip, lowercase=lower)
            hashes = []
            for block in range(0, 0x110000, 0x1000):
                h = hashlib.sha256()
                for c in range(block, block + 0x1000):
                    if 0xD800 <= c < 0xE000:
                        continue
                    text = normal.normalize_str("A" + chr(c) + "b\u0301")
                    words = [w for w, _ in split.pre_tokenize_str(text)]
                    h.update("\n".join([text] + words).encode() + b"\n")
                hashes.append(h.hexdigest()[:8])
            out[name if clean else name + " unclean"] = "".join(hashes)
    return out


def write(name, value):
    with open(os.path.join(OUT, name), "w", newline="\n") as f:
        json.dump(value, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


def main():
    lines = made_lines()
    vocab = make_vocabulary(lines)
    assert len(set(vocab)) == len(vocab) and not any("\n" in w or "\r" in w for w in vocab)
    with open(os.path.join(OUT, "vocab.txt"), "w", newline="\n", encoding="utf-8") as f:
        f.writelines(w + "\n" for w in vocab)
    extra = [
        AddedToken("[NEW]", normalized=False, special=True), AddedToken("fox", single_word=True, normalized=True),
        AddedToken("<l>", lstrip=True, normalized=False), AddedToken("<r>", rstrip=True, normalized=False),
        AddedToken("<both>", lstrip=True, rstrip=True, single_word=True, normalized=False), AddedToken("Über den", normalized=True),
        AddedToken("[NEW][NEW]", normalized=False), AddedToken("THE", normalized=True),
    ]
    more = ["the fox foxes Fox firefox fox_fox fox.", "a <l> b  <l>c", "a <r> b <r>\u3000 c<r><l>", "x <both> y<both>z <both>", "ÜBER DEN über den u\u0308ber den",
            "[NEW] [NEW][NEW] [NEW][NEW][NEW]", "the other THE thesis", " <l>  <r>  <l> ", "a\u00a0<both>\u00a0b", "é<both>é fox\u0301 _fox fox9"]
    recorded = [
        record("uncased", bert(vocab, lowercase=True), lines, True),
        record("cased", bert(vocab, lowercase=False), lines, False),
        record("lower", bert(vocab, lowercase=True, strip_accents=False), lines, False),
        record("strip", bert(vocab, lowercase=False, strip_accents=True), lines, False),
        record("chinese", bert(vocab, lowercase=True, handle_chinese_chars=False), lines, False),
        record("unclean", bert(vocab, lowercase=True, clean_text=False), lines, False),
        record("added", bert(vocab, added=extra, processing=True, lowercase=True), lines + more, True),
        record("model", bert(vocab, prefix="t", longest=7, lowercase=True), lines, False),
    ]
    path, base = os.path.join(OUT, "recorded.json"), {}
    if len(sys.argv) > 1:
        for name, lower in (("bert-base-uncased", True), ("bert-base-cased", False)):
            with open(os.path.join(sys.argv[1], "vocab", name, "vocab.txt"), encoding="utf-8") as f:
                t = bert([w.rstrip("\n") for w in f], lowercase=lower)
            base[name] = digest(encode(t, *case) for case in cases(lines))
    elif os.path.exists(path):
        with open(path) as f:
            base = json.load(f)["base"]
    write("recorded.json", {"lines": lines, "more": more, "configurations": recorded, "base": base})
    write("characters.json", characters())


main()
