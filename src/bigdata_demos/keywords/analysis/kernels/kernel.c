/* The inner loops of the job, for one thread: what kernels/plain.py does readably, done fast. No Python in it: ctypes calls it.

   All text is valid UTF-8 (so bytes order as characters do). A function that needs memory and gets none returns NO_MEMORY.
   Names and rules are those of plain.py; tests/keywords/analysis/test_kernels.py holds both to the same answers. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define NO_MEMORY (-1)
#define NEEDS_PYTHON (-2)
#define EXPORT __attribute__((visibility("default")))

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;

/* ---- growable memory ------------------------------------------------------------------------------------------ */

typedef struct { u8 *at; size_t size, room; } Bytes;

static int reserve(Bytes *b, size_t more) {
    if (b->size + more <= b->room) return 1;
    size_t room = b->room ? b->room : 4096;
    while (room < b->size + more) room *= 2;
    u8 *at = realloc(b->at, room);
    if (!at) return 0;
    b->at = at;
    b->room = room;
    return 1;
}

static int append(Bytes *b, const void *data, size_t size) {
    if (!reserve(b, size)) return 0;
    memcpy(b->at + b->size, data, size);
    b->size += size;
    return 1;
}

/* Empties it; what one very large page needed is given back. */
static void clear(Bytes *b) {
    b->size = 0;
    if (b->room > (16u << 20)) {
        free(b->at);
        b->at = NULL;
        b->room = 0;
    }
}

/* ---- state ---------------------------------------------------------------------------------------------------- */

/* The class of a character: flags, which are Python's (native.py), and above them the character in lower case. ODD: that has rules
   of its own. */
enum { LETTER = 1, SPACE = 2, ALPHA = 4, ALNUM = 8, SCRIPT = 0x30, DIGIT = 0x40, CLASSIFIED = 0x80, UPPER = 0x100, LOWER = 0x200, ODD = 0x400 };
enum { LOWERED = 11, HIRAGANA = 0x20 }; /* bits of flags; one of the scripts */
enum { BREAK = 0, STOPWORD = 1 };                                 /* numbers of tokens that end a run */
/* Flags of a token: what tokens.py knows of a word as it is written, and whether it is a word; then its place: whether it is in a
   strong block, the first of a line other than the title, and in the title or a line that repeats a part of it. */
enum { CONNECTOR = 1, CAPITAL = 2, NOUN = 4, SHOUTED = 8, GENERIC = 16, WORD = 32, STRONG = 64, LINE = 128, OF_TITLE = 256 };
enum { ENGLISH = 1, NOUNS = 2, SHORT = 4 }; /* rules of a language: that it is English; `nouns` and `short` of languages.py */

typedef struct { u32 start, end; i32 number; u32 flags; } Token;
typedef struct { u64 key; u32 at, size; i32 number; uint16_t language, flags; } Entry; /* of the vocabulary: a token as it is written */
typedef struct { u64 hash; i64 df; u32 at, size, characters, table; u8 skipped, cut; } Stem; /* of an entry, and the bytes at its ends that are not the word's */
typedef struct { u64 hash; u32 count, page; } Count;
typedef struct { u64 hash; i64 tf, weight, first, token; u32 tokens, length; u8 whole, generic, elsewhere, strong; } Candidate;
typedef struct { i64 score, tf, df, first, token; u64 hash; u32 tokens; } Best;
typedef struct { size_t start, end, bytes, linked; int heading, strong; } Block;
/* What a language has: words with what they are (STOPS, ...), found by `slots`; endings of words, and of verbs, each with a line's end. */
typedef struct { Bytes words, slots, endings, verb_endings; int stemmer, hiragana; u64 seed; } Lexicon;
enum { STOPS = 1, CONNECTS = 2, GENERICS = 4, ELIDED = 8 };
enum { NO_STEMMER, PORTER, OTHER_STEMMER }; /* stems of Porter's are found here if a word is ASCII, all others in Python */
enum { LEXICONS = 128 };
/* BudouX's model of a language: the weight of each feature, which is a kind and one to three characters; open addressing. */
typedef struct { u64 feature; i64 weight; } Weight;
typedef struct { Weight *at; size_t mask; i64 total; } Model;
enum { MODELS = 4 };

typedef struct {
    u64 seed;     /* of the keys of spellings */
    u32 *classes; /* of each character */
    Lexicon *lexicons[LEXICONS]; /* by the number of the language */
    Model models[MODELS];
    /* the vocabulary */
    Entry *entries;
    size_t entry_slots, entry_count;
    Bytes spellings, stem_text, stems; /* stems: Stem by number */
    Bytes unknown;                     /* Token: those of the text at hand that are new, and that Python has to look at */
    Bytes unstemmed, unstemmed_text;   /* numbers (i32) of new words whose stems Python has to find, and the words, each with a line's end */
    Bytes blocks;
    /* the text at hand */
    const u8 *text;
    u32 language; /* its number, and what rules it has */
    int rules;
    Bytes tokens;
    /* document frequencies */
    Count *counts;
    size_t count_count, count_room;
    int count_bits, count_skip;
    u32 page;
    /* scores */
    Bytes candidates, slots, of_token, best;
    u32 table;
    Bytes out, out2; /* results */
    Bytes *postings;
    int bits;
    /* tokens of an index: where each is among those of the page at hand (Seen), and these (Counted) */
    Bytes seen, counted;
    u32 page_of_index;
} Kernel;

static void free_lexicon(Lexicon *l) {
    if (!l) return;
    free(l->words.at);
    free(l->slots.at);
    free(l->endings.at);
    free(l->verb_endings.at);
    free(l);
}

EXPORT void kernel_free(Kernel *k) {
    if (!k) return;
    Bytes *all[] = {&k->spellings, &k->stem_text, &k->stems, &k->unknown, &k->tokens, &k->candidates,
                    &k->slots,     &k->of_token,  &k->best,  &k->out,     &k->out2,   &k->blocks,
                    &k->unstemmed, &k->unstemmed_text, &k->seen, &k->counted};
    for (int i = 0; i < LEXICONS; i++) free_lexicon(k->lexicons[i]);
    for (int i = 0; i < MODELS; i++) free(k->models[i].at);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->at);
    if (k->postings)
        for (size_t i = 0; i < (size_t)1 << k->bits; i++) free(k->postings[i].at);
    free(k->postings);
    free(k->counts);
    free(k->entries);
    free(k->classes);
    free(k);
}

/* Forgets all words. */
EXPORT int kernel_forget(Kernel *k) {
    if (k->entry_slots != 1 << 12) {
        Entry *entries = malloc((1 << 12) * sizeof(Entry));
        if (!entries) return NO_MEMORY;
        free(k->entries);
        k->entries = entries;
        k->entry_slots = 1 << 12;
    }
    memset(k->entries, 0, k->entry_slots * sizeof(Entry));
    k->entry_count = 0;
    Bytes *all[] = {&k->spellings, &k->stem_text, &k->stems, &k->unknown, &k->unstemmed, &k->unstemmed_text, &k->seen};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) clear(all[i]);
    Stem none[2] = {{0}};
    return append(&k->stems, none, sizeof none) ? 0 : NO_MEMORY;
}

EXPORT Kernel *kernel_new(u64 seed) {
    Kernel *k = calloc(1, sizeof(Kernel));
    if (!k) return NULL;
    k->seed = seed;
    k->table = 1; /* 0 is no table */
    k->classes = calloc(0x110000, sizeof(u32)); /* pages of it that no character needs are never touched */
    if (!k->classes || kernel_forget(k) < 0) {
        kernel_free(k);
        return NULL;
    }
    return k;
}

EXPORT u32 *kernel_classes(Kernel *k) { return k->classes; }
EXPORT i64 kernel_words(Kernel *k) { return (i64)k->entry_count; }
EXPORT const u8 *kernel_out(Kernel *k) { return k->out.at; }
EXPORT const u8 *kernel_out2(Kernel *k) { return k->out2.at; }

/* The character at a place, and the place after it. */
static inline u32 character(const u8 *s, size_t *at) {
    u32 c = s[(*at)++];
    if (c < 0x80) return c;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    c &= 0x3f >> more;
    while (more--) c = c << 6 | (s[(*at)++] & 0x3f);
    return c;
}

/* Whether bytes are valid UTF-8 (RFC 3629, section 4). */
EXPORT int kernel_is_utf8(const u8 *s, i64 size) {
    const u8 *end = s + size;
    while (s < end) {
        u64 eight;
        if (end - s >= 8 && (memcpy(&eight, s, 8), !(eight & 0x8080808080808080u))) {
            s += 8;
            continue;
        }
        u8 c = *s++;
        if (c < 0x80) continue;
        int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if (c < 0xc2 || c > 0xf4 || end - s < more) return 0;
        /* neither longer than needed, nor a surrogate, nor beyond U+10FFFF */
        u8 least = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, most = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        if (*s < least || *s > most) return 0;
        for (int i = 1; i < more; i++)
            if ((s[i] & 0xc0) != 0x80) return 0;
        s += more;
    }
    return 1;
}

/* Writes a character, and returns its size. */
static size_t write_character(u8 *to, u32 c) {
    if (c < 0x80) {
        *to = (u8)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    for (size_t i = more; i; i--, c >>= 6) to[i] = (u8)(0x80 | (c & 0x3f));
    *to = (u8)(0xff00 >> (more + 1) | c);
    return more + 1;
}

/* The first 8 bytes, or n if that is fewer: then in some order, and some of them twice, but different bytes give different numbers. */
static inline u64 load(const u8 *s, size_t n) {
    u64 whole;
    u32 start, end;
    if (n >= 8) {
        memcpy(&whole, s, 8);
        return whole;
    }
    if (n < 4) return n ? s[0] | (u64)s[n >> 1] << 8 | (u64)s[n - 1] << 16 : 0;
    memcpy(&start, s, 4);
    memcpy(&end, s + n - 4, 4);
    return start | (u64)end << 32;
}

/* Of up to 8 bytes, no two spellings of a size have the same key: each step can be undone. `seed` is a random number, so that no page
   can be made of words whose keys are alike, which would take long to find. */
static u64 spelling_key(const u8 *s, size_t n, u64 seed) {
    u64 key = seed ^ n * 0x9E3779B97F4A7C15u;
    for (; n > 8; s += 8, n -= 8) key = (key ^ load(s, 8)) * 0xBF58476D1CE4E5B9u, key ^= key >> 29;
    key = (key ^ load(s, n)) * 0x94D049BB133111EBu;
    key = (key ^ key >> 32) * 0xBF58476D1CE4E5B9u; /* so that each bit of the spelling reaches the lowest bits */
    return key ^ key >> 32;
}

static inline u8 lower(u8 c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

/* ---- markup --------------------------------------------------------------------------------------------------- */

/* Names of elements as numbers: up to 8 letters of lower case. */
static u64 name_of(const char *name) {
    u64 number = 0;
    while (*name) number = number << 8 | (u8)*name++;
    return number;
}

/* What a name means for kernel_mark, beside what text.py says of it. */
enum {
    FORMATTING = 1, /* open ones are opened again in later blocks; the parser looks at those of equal names */
    VOID = 2,       /* has no content */
    ROWS = 4,       /* between it and the next cell, the parser moves content out of the table */
    CELL = 8,
    RAW = 16,       /* its content has no tags */
    PARTLY = 32,    /* HTML that may be in SVG, if nothing but text is in it */
    DRAWING = 64,   /* SVG that means nothing in HTML */
    SPECIAL = 128,  /* has rules of its own that are not worth following */
    TABLE = 256,
    SELECT = 512,
    SVG = 1024,
    BODY = 2048,
    TITLE = 4096,
};
static const struct { int kind; const char *names; } kinds[] = {
    {FORMATTING, "a b big code em font i nobr s small strike strong tt u"},
    {VOID, "img wbr"},
    {ROWS, "table tbody thead tfoot tr colgroup col"},
    {CELL, "td th caption"},
    {RAW, "script style iframe textarea title"},
    {PARTLY, "title desc style"},
    {DRAWING, "svg path g circle rect line polyline polygon ellipse use defs symbol tspan stop mask"},
    {SPECIAL, "math template frameset xmp noembed noframes"},
    {TABLE, "table"},
    {SELECT, "select"},
    {SVG, "svg"},
    {BODY, "body"},
    {TITLE, "title"},
};
typedef struct { u64 name; u32 inline_, bit; int kind; const char *flat_before; } Name;
static Name names[256];

static Name *name_slot(u64 name) {
    size_t i = name * 0x9E3779B97F4A7C15u >> 56;
    while (names[i].name && names[i].name != name) i = (i + 1) & 255;
    return &names[i];
}

/* The next of a list of names, separated by spaces; NULL at its end. */
static Name *next_name(const char **list) {
    char name[16] = {0};
    size_t n = 0;
    while (**list == ' ') ++*list;
    while (**list && **list != ' ' && n < 15) name[n++] = *(*list)++;
    if (!n) return NULL;
    Name *slot = name_slot(name_of(name));
    slot->name = name_of(name);
    return slot;
}

/* Start tags that never raise the depth, if they are written like this: a name in lower case, and what may follow it. */
static const char *flat[][2] = {{"a", " "},   {"br", ">/ "}, {"p", "> "},  {"li", "> "},
                                {"td", "> "}, {"tr", "> "},  {"img", " "}};

/* Lets the process keep what memory it has had, up to 256 MiB: a page's tree is made and freed, then the next one's; by itself glibc
   gives the memory back to the system in between (in a thread that is not the first one, and where Dask says so, always). */
EXPORT void kernel_keep_memory(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

/* Tells the names of elements that are inline, and those whose presence is asked for: bit i stands for the i-th of `present`.
   Both are lists of words, separated by spaces. Called once, before any other. */
EXPORT void kernel_names(const char *inlines, const char *present) {
    Name *name;
    u32 bit = 0;
    for (size_t i = 0; i < sizeof flat / sizeof *flat; i++) next_name(&(const char *){flat[i][0]})->flat_before = flat[i][1];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (const char *list = kinds[i].names; (name = next_name(&list));) name->kind |= kinds[i].kind;
    while ((name = next_name(&inlines))) name->inline_ = 1;
    while ((name = next_name(&present))) name->bit |= 1u << bit++;
}

static inline int is_blank(u8 c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
static inline int ends_name(u8 c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '/' || c == '>'; }

/* Whether four letters, in any case, are anywhere in s. Written so that the compiler can look at many places at once. */
static int has(const u8 *s, const u8 *end, const char *four) {
    u8 a = (u8)four[0], b = (u8)four[1], c = (u8)four[2], d = (u8)four[3];
    while (end - s >= 4) {
        size_t n = end - s - 3 < 2048 ? (size_t)(end - s - 3) : 2048;
        u8 found = 0;
        for (size_t i = 0; i < n; i++)
            found |= ((s[i] | 32) == a) & ((s[i + 1] | 32) == b) & ((s[i + 2] | 32) == c) & ((s[i + 3] | 32) == d);
        if (found) return 1;
        s += n;
    }
    return 0;
}

/* kernel_mark follows the tokenizer of the HTML Standard (section 13.2.5) so far that it can leave out what no parser needs to see:
   attributes that nothing asks for, what is in scripts and comments, and above all inline elements. Of these only those that can
   make no difference to the tree but for themselves: in the body, not where a table or SVG has its own rules, with some text
   in them, and closed before any other tag comes. Where it is not sure, it leaves everything as it is. */
typedef struct { const Name *name; const u8 *tag; size_t size, at; u64 text; } Open;
typedef struct {
    u8 *to, *start;     /* the result so far */
    const u8 *end;
    const u8 *as_it_is; /* up to here, tags are marked and nothing else is done */
    Open open[32];      /* inline elements whose tags were left out, and may have to be put back */
    int count, body, rows, select, svg;
    u64 text;           /* stretches of text so far */
    u8 kept[256];       /* formatting elements whose tags were not left out */
} Markup;

/* Puts the start tags back that were left out for elements that are still open. */
static void put_back(Markup *m) {
    size_t more = 0;
    for (int i = 0; i < m->count; i++) more += m->open[i].size;
    u8 *from = m->to;
    m->to += more;
    for (; m->count; m->count--) {
        Open *open = &m->open[m->count - 1];
        u8 *at = m->start + open->at;
        memmove(at + more, at, from - at);
        more -= open->size;
        memcpy(at + more, open->tag, open->size);
        from = at;
        m->kept[open->name - names] = 1;
    }
}

/* Whether what follows a tag must not come to stand beside what is before it: `<`, or a character reference that has not ended. */
static int unfinished(const Markup *m) {
    const u8 *s = m->to;
    for (int i = 0; s > m->start; i++) {
        u8 c = *--s;
        if (c == '&' || (c == '<' && !i)) return 1;
        if (!((lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '#')) return 0;
        if (i == 40) return 1;
    }
    return 0;
}

enum { HIDES = 1, EMPTY = 2 }; /* what a tag says: an attribute by which its element may be no text; a slash at its end */

/* Passes the attributes of a tag, and writes those that anything asks for, if told to. Returns the place after the tag, or
   NULL if it does not end, or has a `<` (which a mark would part it at). */
static const u8 *attributes(const u8 *s, const u8 *end, u8 **to, int *says) {
    static const struct { size_t size; const char *name; int hides; } wanted[] = {
        {4, "role", 1}, {6, "hidden", 1}, {11, "aria-hidden", 1}, {4, "name", 0}, {4, "lang", 0}, {7, "content", 0}, {8, "property", 0},
        {4, "type", 0},
    };
    for (;;) {
        *says &= ~EMPTY;
        for (; s < end && (is_blank(*s) || *s == '/'); s++) *says = *s == '/' ? *says | EMPTY : *says & ~EMPTY;
        if (s >= end || *s == '<') return NULL;
        if (*s == '>') return s + 1;
        const u8 *name = s++;
        for (; s < end && !ends_name(*s) && *s != '='; s++)
            if (*s == '<') return NULL;
        size_t size = s - name;
        const u8 *last = s;
        while (s < end && is_blank(*s)) s++;
        if (s < end && *s == '=') {
            for (s++; s < end && is_blank(*s);) s++;
            if (s >= end) return NULL;
            if (*s == '"' || *s == '\'') {
                s = memchr(s + 1, *s, end - s - 1);
                if (!s++) return NULL;
            } else {
                for (; s < end && !is_blank(*s) && *s != '>'; s++)
                    if (*s == '<') return NULL;
            }
            last = s;
        }
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            if (size != wanted[i].size || lower(*name) != (u8)*wanted[i].name) continue;
            size_t j = 1;
            while (j < size && lower(name[j]) == (u8)wanted[i].name[j]) j++;
            if (j < size) continue;
            if (wanted[i].hides) *says |= HIDES;
            if (!to) continue;
            *(*to)++ = ' ';
            memcpy(*to, name, last - name);
            *to += last - name;
        }
    }
}

/* Whether a name, in lower case, is at a place, in any case. */
static int is_at(const u8 *s, const u8 *end, const char *name) {
    for (; *name; s++, name++)
        if (s >= end || lower(*s) != (u8)*name) return 0;
    return 1;
}

/* Where the content of an element without tags ends, which starts at s; NULL if that is not sure. */
static const u8 *raw_end(const u8 *s, const u8 *end, const u8 *name, size_t size) {
    int script = is_at(name, end, "script"), escaped = 0;
    for (; (s = memchr(s, '<', end - s)); s++) {
        escaped |= is_at(s, end, "<!--");
        if (script && escaped && is_at(s, end, "<script")) return NULL; /* a script in a script's comment */
        if ((size_t)(end - s) < size + 3 || s[1] != '/' || !ends_name(s[2 + size])) continue;
        size_t i = 0;
        while (i < size && lower(s[2 + i]) == lower(name[i])) i++;
        if (i == size) return s;
    }
    return NULL;
}

static const u8 *comment_end(const u8 *s, const u8 *end) {
    s += 4; /* <!-- */
    if (s < end && *s == '>') return s + 1;
    if (end - s >= 2 && s[0] == '-' && s[1] == '>') return s + 2;
    for (; end - s >= 3 && (s = memchr(s, '-', end - s - 2)); s++) {
        if (s[1] != '-') continue;
        if (s[2] == '>') return s + 3;
        if (s[2] == '!' && end - s >= 4 && s[3] == '>') return s + 4;
    }
    return NULL;
}

static const u8 *copy_to(Markup *m, const u8 *from, const u8 *to) {
    for (const u8 *s = from; s < to; s++) *m->to++ = *s == '\t' ? ' ' : *s;
    return to;
}

enum { UNMARKED = -1, A_BLOCK, A_LINK, LINK_ENDS, A_HEADING }; /* marks: so many tabs after a form feed */

static void write_mark(Markup *m, int mark) {
    if (mark == UNMARKED) return;
    *m->to++ = '\f';
    while (mark--) *m->to++ = '\t';
}

/* Writes a tag (or what looks like one): marked, and nothing else. Returns up to where it is written. */
static const u8 *write_as_it_is(Markup *m, const u8 *tag, int mark) {
    write_mark(m, mark);
    *m->to++ = '<';
    return tag + 1;
}

/* The same, and all that follows. */
static const u8 *give_up(Markup *m, const u8 *tag, int mark) {
    put_back(m);
    m->as_it_is = m->end;
    return write_as_it_is(m, tag, mark);
}

/* Writes what starts at a `<`, as far as a parser needs it. Returns up to where that is done. */
static const u8 *write_tag(Markup *m, const u8 *tag, const Name *known, int mark) {
    const u8 *end = m->end, *next = tag + 1, *after;
    u8 c = next < end ? *next : 0;
    int closes = c == '/', says = 0;
    const u8 *name = next + closes;
    u8 first = name < end ? lower(*name) : 0;
    if (c == '!' && end - next >= 3 && next[1] == '-' && next[2] == '-') {
        if (m->svg || !(after = comment_end(tag, end))) return give_up(m, tag, mark);
        memcpy(m->to, "<!---->", 7); /* never more than what it stands for: the shortest is <!--> */
        if (after - tag < 7) memcpy(m->to, tag, after - tag);
        m->to += after - tag < 7 ? after - tag : 7;
        return after;
    }
    if (c == '!' || c == '?' || (closes && !(first >= 'a' && first <= 'z'))) { /* a doctype, or taken for a comment */
        put_back(m);
        after = name < end ? memchr(name, '>', end - name) : NULL;
        if (m->svg || !after) return give_up(m, tag, mark);
        return copy_to(m, write_as_it_is(m, tag, mark), after + 1);
    }
    if (!(first >= 'a' && first <= 'z')) { /* a mere < */
        m->text++;
        return write_as_it_is(m, tag, mark);
    }
    const u8 *name_end = name;
    while (name_end < end && !ends_name(*name_end) && *name_end != '<') name_end++;
    int kind = known ? known->kind : 0, is_inline = known && known->inline_;
    if (m->svg || kind & (SPECIAL | SVG) || is_at(name, end, "plaintext")) {
        after = attributes(name_end, end, NULL, &says);
        if (!after || !(kind & (PARTLY | DRAWING)) || (!m->svg && closes)) return give_up(m, tag, mark);
        put_back(m);
        if (kind & SVG && !(says & EMPTY)) m->svg += closes ? -1 : 1;
        if (kind & PARTLY && !closes) {
            const u8 *then = memchr(after, '<', end - after);
            size_t size = name_end - name;
            if (says & EMPTY || !then || (size_t)(end - then) < size + 3 || then[1] != '/') return give_up(m, tag, mark);
            for (size_t i = 0; i < size; i++)
                if (lower(then[2 + i]) != lower(name[i])) return give_up(m, tag, mark);
        }
        return copy_to(m, write_as_it_is(m, tag, mark), after);
    }
    if (is_inline && closes) {
        if (!(after = attributes(name_end, end, NULL, &says))) return give_up(m, tag, mark);
        if (m->count && m->open[m->count - 1].name == known && m->open[m->count - 1].text < m->text && !unfinished(m)) {
            m->count--;
            write_mark(m, mark);
            return after;
        }
        put_back(m);
        return copy_to(m, write_as_it_is(m, tag, mark), after);
    }
    if (is_inline) {
        if (!(after = attributes(name_end, end, NULL, &says))) return give_up(m, tag, mark);
        if (kind & VOID && !m->rows && !(says & HIDES)) {
            copy_to(m, tag, name_end);
            *m->to++ = '>';
            return after;
        }
        int leave_out = m->body && !m->rows && !(says & HIDES) && !(kind & VOID) && m->count < 32 && !unfinished(m);
        if (leave_out && kind & FORMATTING) {
            leave_out = !m->kept[known - names];
            for (int i = 0; i < m->count; i++) leave_out &= m->open[i].name != known;
        }
        if (leave_out) {
            write_mark(m, mark);
            m->open[m->count++] = (Open){known, tag, after - tag, m->to - m->start, m->text};
            return after;
        }
        put_back(m);
        m->kept[known - names] = 1;
        return copy_to(m, write_as_it_is(m, tag, mark), after);
    }
    put_back(m);
    if (m->select && kind & RAW && !closes && lower(*name) != 's') return give_up(m, tag, mark);
    u8 *before = m->to;
    copy_to(m, write_as_it_is(m, tag, mark), name_end);
    if (!(after = attributes(name_end, end, closes ? NULL : &m->to, &says))) {
        m->to = before;
        return give_up(m, tag, mark);
    }
    *m->to++ = '>';
    if (kind & (ROWS | CELL)) m->rows = closes ? !(kind & TABLE) : !(kind & CELL);
    if (kind & SELECT) m->select = !closes;
    if (kind & BODY && !closes) m->body = 1;
    if (kind & RAW && !closes) {
        const u8 *rest = raw_end(after, end, name, name_end - name);
        if (!rest || (m->select && lower(name[1]) != 'c')) {
            m->to = before;
            return give_up(m, tag, mark);
        }
        if (!(kind & TITLE)) return rest;
        m->as_it_is = rest;
    }
    return after;
}

/* Marks each tag that is not inline, and those of links (text.py); other form feeds and tabs become spaces. Leaves out what makes
   no difference.
   found: tags, closing tags, flat start tags, and bits: elements that are present, then 'keyw', 'role', 'hidd' and 'og:s' (any case) at
   bits 60 to 63. Returns the size of the result, in kernel_out. */
EXPORT i64 kernel_mark(Kernel *k, const u8 *s, i64 size, u64 *found) {
    const u8 *end = s + size, *at = s, *done = s;
    u64 tags = 0, closing = 0, flats = 0, bits = 0;
    clear(&k->out);
    if (!reserve(&k->out, 2 * (size_t)size + 16)) return NO_MEMORY;
    Markup m = {.to = k->out.at, .start = k->out.at, .end = end, .as_it_is = s};
    while (at < end) {
        const u8 *tag = memchr(at, '<', end - at);
        if (done < (tag ? tag : end)) {
            const u8 *text = done;
            done = copy_to(&m, done, tag ? tag : end);
            while (text < done && !*text) text++;
            m.text += text < done;
        }
        if (!tag) break;
        at = tag + 1;
        tags++;
        int closes = at < end && *at == '/', mark = UNMARKED;
        closing += closes;
        u8 c = at < end ? *at : 0;
        const Name *known = NULL;
        if (c == '!' && end - at >= 3 && at[1] == '-' && at[2] == '-') {
            flats++;
        } else if ((lower(c) >= 'a' && lower(c) <= 'z') || c == '/' || c == '!' || c == '?') {
            const u8 *name = at + closes;
            u64 number = 0, as_written = 0;
            int letters = 0;
            for (; name < end && !ends_name(*name) && letters < 9; name++, letters++) {
                number = number << 8 | lower(*name);
                as_written = as_written << 8 | *name;
            }
            int fits = letters && letters <= 8 && number >> 8 * (letters - 1); /* no NUL at its start, which would not count */
            known = fits ? name_slot(number) : NULL;
            if (known && !known->name) known = NULL;
            if (known && !closes) {
                bits |= known->bit;
                flats += known->flat_before && name < end && number == as_written && strchr(known->flat_before, *name);
            }
            int ended = name < end;
            if (!(known && known->inline_ && ended)) mark = A_BLOCK;
            if (ended && letters == 1 && number == 'a') mark = closes ? LINK_ENDS : A_LINK;
            if (ended && letters == 2 && number == ('h' << 8 | '1') && !closes) mark = A_HEADING;
        }
        if (tag >= done) done = tag < m.as_it_is ? write_as_it_is(&m, tag, mark) : write_tag(&m, tag, known, mark);
    }
    put_back(&m);
    if (memchr(s, '\f', size)) { /* rare: all form feeds became like ours, so it is done again without */
        u8 *copy = malloc(size);
        if (!copy) return NO_MEMORY;
        for (i64 i = 0; i < size; i++) copy[i] = s[i] == '\f' ? ' ' : s[i];
        i64 result = kernel_mark(k, copy, size, found);
        free(copy);
        return result;
    }
    bits |= (u64)has(s, end, "keyw") << 60 | (u64)has(s, end, "role") << 61 | (u64)has(s, end, "hidd") << 62 |
            (u64)has(s, end, "og:s") << 63;
    found[0] = tags;
    found[1] = closing;
    found[2] = flats;
    found[3] = bits;
    k->out.size = m.to - k->out.at;
    return (i64)k->out.size;
}

/* The most formatting elements that are open at once, as text.py's count_open counts them. */
EXPORT i64 kernel_open(const u8 *s, i64 size) {
    const u8 *end = s + size, *at = s;
    i64 open[256] = {0}, total = 0, most = 0; /* of each name that kernel_names has told */
    while (at < end && (at = memchr(at, '<', end - at))) {
        at++;
        int closes = at < end && *at == '/';
        const u8 *name = at + closes;
        u64 number = 0;
        int letters = 0;
        for (; name < end && letters < 9 && lower(*name) >= 'a' && lower(*name) <= 'z'; name++, letters++) number = number << 8 | lower(*name);
        if (!letters || letters > 8 || name >= end || !(ends_name(*name) || *name == '\v')) continue;
        Name *known = name_slot(number);
        if (!(known->kind & FORMATTING) || number == 'a') continue;
        i64 *these = &open[known - names];
        if (!closes) {
            ++*these;
            if (++total > most) most = total;
        } else if (*these) {
            --*these;
            total--;
        }
        if (!(at = memchr(name, '>', end - name))) break;
    }
    return most;
}

/* Whether s starts with a name, in lower case, that no letter, digit or _ continues. */
static int starts_with(const u8 *s, const u8 *end, const char *name) {
    if (!is_at(s, end, name)) return 0;
    s += strlen(name);
    return s >= end || !((lower(*s) >= 'a' && lower(*s) <= 'z') || (*s >= '0' && *s <= '9') || *s == '_');
}

static const u8 *find_bytes(const u8 *s, const u8 *end, const char *what, size_t n) {
    for (; end - s >= (i64)n && (s = memchr(s, what[0], end - s - n + 1)); s++)
        if (!memcmp(s, what, n)) return s;
    return NULL;
}

typedef struct { const u8 *name; size_t size; u64 key; i64 open; int flat, sibling; } Element;
typedef struct { Element *at; size_t mask, count; } Elements;

/* The element of a name, in any case; added if `add`, else NULL if it is not there, or there is no memory. */
static Element *element(Elements *all, const u8 *name, size_t size, int add) {
    u64 key = size;
    for (size_t i = 0; i < size; i++) key = (key ^ lower(name[i])) * 0x9E3779B97F4A7C15u;
    key ^= key >> 32;
    size_t i = key & all->mask;
    for (; all->at[i].name; i = (i + 1) & all->mask) {
        if (all->at[i].key != key || all->at[i].size != size) continue;
        size_t j = 0;
        while (j < size && lower(all->at[i].name[j]) == lower(name[j])) j++;
        if (j == size) return &all->at[i];
    }
    if (!add) return NULL;
    if (2 * all->count > all->mask) {
        Elements more = {calloc(2 * (all->mask + 1), sizeof(Element)), 2 * all->mask + 1, all->count};
        if (!more.at) return NULL;
        for (size_t old = 0; old <= all->mask; old++) {
            if (!all->at[old].name) continue;
            for (i = all->at[old].key & more.mask; more.at[i].name;) i = (i + 1) & more.mask;
            more.at[i] = all->at[old];
        }
        free(all->at);
        *all = more;
        for (i = key & all->mask; all->at[i].name;) i = (i + 1) & all->mask;
    }
    all->count++;
    all->at[i] = (Element){name, size, key, 0, 0, 0};
    return &all->at[i];
}

/* The most elements that are open at once, as text.py's count_levels counts them; it stops above `limit`.
   flat, siblings: lists of names that never count, and that end one another; separated by spaces. */
EXPORT i64 kernel_depth(const u8 *s, i64 size, i64 limit, const char *flat, const char *siblings) {
    static const char *raw[] = {"script", "style", "title", "textarea", "xmp"};
    Elements all = {calloc(256, sizeof(Element)), 255, 0};
    if (!all.at) return NO_MEMORY;
    for (int list = 0; list < 2; list++)
        for (const char *name = list ? siblings : flat; *name;) {
            size_t n = strcspn(name, " ");
            Element *e = element(&all, (const u8 *)name, n, 1); /* fewer than 128: there is room */
            e->flat = !list;
            e->sibling = list;
            name += n + strspn(name + n, " ");
        }
    const u8 *end = s + size, *at = s;
    i64 depth = 0, deepest = 0;
    int last_sibling = 0;
    while (deepest <= limit && at < end && (at = memchr(at, '<', end - at))) {
        if (end - at >= 4 && !memcmp(at, "<!--", 4)) {
            if (!(at = find_bytes(at + 4, end, "-->", 3))) break;
            at += 3;
            continue;
        }
        const char *kind = NULL;
        for (size_t i = 0; i < sizeof raw / sizeof *raw && !kind; i++)
            if (starts_with(at + 1, end, raw[i])) kind = raw[i];
        if (kind) { /* what it holds is no markup */
            for (at++; (at = find_bytes(at, end, "</", 2)) && !starts_with(at + 2, end, kind);) at++;
            if (!at) break;
            at += 2 + strlen(kind);
            continue;
        }
        at++;
        int closes = at < end && *at == '/';
        const u8 *name = at + closes;
        if (name >= end || lower(*name) < 'a' || lower(*name) > 'z') continue;
        for (at = name; at < end && *at != ' ' && !(*at >= 9 && *at <= 13) && *at != '/' && *at != '>';) at++;
        size_t n = at - name;
        while (at < end && *at != '>') { /* attributes */
            if (*at == '"' || *at == '\'') {
                const u8 *quote = memchr(at + 1, *at, end - at - 1);
                if (!quote) break;
                at = quote;
            }
            at++;
        }
        Element *e = element(&all, name, n, !closes);
        if (closes) {
            if (e && e->open > 0) {
                e->open--;
                depth--;
            }
            continue;
        }
        if (!e) {
            free(all.at);
            return NO_MEMORY;
        }
        int before = last_sibling;
        last_sibling = e->sibling;
        if (e->flat || (e->sibling && before)) continue;
        e->open++;
        if (++depth > deepest) deepest = depth;
    }
    free(all.at);
    return deepest;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

static inline int is_space(u32 c) {
    return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Whether text.py's clean() leaves a character from U+0300 on as it is, and beside what others: COMPOSED there, without those that it takes out. */
static int stays(u32 c) {
    static const u32 ranges[][2] = {
        {0x370, 0x373},   {0x375, 0x37d},   {0x37f, 0x386},   {0x388, 0x482},   {0x48a, 0x52f},     {0x531, 0x556},   {0x5d0, 0x5ea},
        {0x620, 0x64a},   {0x660, 0x66f},   {0x671, 0x6d5},   {0x1e00, 0x1eff}, {0x200b, 0x200d},   {0x2012, 0x2029},
        {0x202f, 0x205f}, {0x2070, 0x20cf}, {0x2190, 0x2328}, {0x232b, 0x2adb}, {0x2add, 0x2bff},   {0x3001, 0x3029},
        {0x3030, 0x303f}, {0x3041, 0x3094}, {0x309b, 0x30ff}, {0x3105, 0x318e}, {0x3200, 0x9fff},   {0xac00, 0xd7a3},
        {0xff01, 0xffee}, {0xfffd, 0xfffd}, {0x1f000, 0x1faff}, {0x20000, 0x2f7ff},
    };
    size_t low = 0, high = sizeof ranges / sizeof *ranges;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (ranges[middle][0] <= c) low = middle;
        else high = middle;
    }
    return ranges[low][0] <= c && c <= ranges[low][1];
}

/* Whether clean() takes a character out: a control or format character. */
static inline int is_dropped(u32 c) {
    if (c < 0xa0) return c < 9 || (c >= 0xe && c <= 0x1b) || (c >= 0x7f && c != 0x85);
    return c == 0xad || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

enum { CORE = 60, NEAR = 2, FEW = 150 }; /* text.py says what these are */

/* The lines of blocks that were found in the text, in `out2`; weak ones start with a tab. */
static i64 write_blocks(Kernel *k) {
    Block *blocks = (Block *)k->blocks.at;
    i64 n = (i64)(k->blocks.size / sizeof(Block));
    size_t strong = 0;
    for (i64 i = 0; i < n; i++)
        if (blocks[i].bytes >= CORE && 3 * blocks[i].linked <= blocks[i].bytes)
            for (i64 j = i < NEAR ? 0 : i - NEAR; j < n && j <= i + NEAR; j++) blocks[j].strong = 1;
    for (i64 i = 0; i < n; i++) {
        blocks[i].strong = blocks[i].heading || (blocks[i].strong && 2 * blocks[i].linked <= blocks[i].bytes);
        if (blocks[i].strong) strong += blocks[i].bytes;
    }
    clear(&k->out);
    if (!reserve(&k->out, k->out2.size + 2 * (size_t)n + 1)) return NO_MEMORY;
    u8 *to = k->out.at;
    for (i64 i = 0; i < n; i++) {
        size_t size = blocks[i].end - blocks[i].start;
        if (i) *to++ = '\n';
        if (!blocks[i].strong && strong >= FEW) *to++ = '\t';
        memcpy(to, k->out2.at + blocks[i].start, size);
        to += size;
    }
    return (i64)(k->out.size = to - k->out.at);
}

/* The blocks of marked text as lines, as text.py has them: white space collapsed, empty ones dropped, control characters and soft
   hyphens gone. NEEDS_PYTHON if `cleaned` is 0 and there is a character that clean() has to look at. */
EXPORT i64 kernel_blocks(Kernel *k, const u8 *s, i64 size, int cleaned) {
    clear(&k->out2);
    clear(&k->blocks);
    if (!reserve(&k->out2, (size_t)size + 1)) return NO_MEMORY;
    u8 *start = k->out2.at, *to = start;
    Block block = {0};
    int gap = 0, linked = 0; /* whether a space is due before the next character; whether it is in a link */
    for (size_t at = 0; at < (size_t)size;) {
        size_t from = at;
        u32 c = s[at];
        if (c > ' ' && c < 0x7f) {
            if (gap && block.bytes) *to++ = ' ';
            gap = 0;
            do *to++ = (u8)c;
            while (++at < (size_t)size && (c = s[at]) > ' ' && c < 0x7f);
            block.bytes += at - from;
            if (linked) block.linked += at - from;
            continue;
        }
        c = character(s, &at);
        if (c == '\f') {
            int mark = 0;
            for (size_t next = at; next < (size_t)size; at = next) { /* tabs, and between them what clean() takes out */
                u32 tab = character(s, &next);
                if (tab != '\t' && !is_dropped(tab)) break;
                mark += tab == '\t';
            }
            if (mark == A_LINK || mark == LINK_ENDS) {
                linked = mark == A_LINK;
                continue;
            }
            block.end = to - start;
            if (block.bytes && !append(&k->blocks, &block, sizeof block)) return NO_MEMORY;
            block = (Block){.start = to - start, .heading = mark == A_HEADING};
            gap = 0;
        } else if (is_space(c)) {
            if (!cleaned && (c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x3000)) return NEEDS_PYTHON; /* as clean() has it */
            gap = 1;
        } else if (!is_dropped(c)) {
            if (!cleaned && c > 0x2ff && !stays(c)) return NEEDS_PYTHON; /* for U+2010 and U+2011, too, which are rare */
            if (gap && block.bytes) *to++ = ' ';
            gap = 0;
            block.bytes += at - from;
            if (linked) block.linked += at - from;
            while (from < at) *to++ = s[from++];
        }
    }
    block.end = to - start;
    if (block.bytes && !append(&k->blocks, &block, sizeof block)) return NO_MEMORY;
    k->out2.size = to - start;
    return write_blocks(k);
}

/* ---- scripts without spaces ----------------------------------------------------------------------------------- */

static size_t slot_of(u64 feature, size_t mask) { return (feature * 0x9E3779B97F4A7C15u >> 32) & mask; }

/* Tells a model: n features, and their weights. */
EXPORT int kernel_model(Kernel *k, int number, const u64 *features, const i64 *weights, i64 n) {
    Model *m = &k->models[number];
    size_t slots = 64;
    while (slots < 4 * (size_t)n) slots *= 2;
    free(m->at);
    m->at = calloc(slots, sizeof(Weight));
    if (!m->at) return NO_MEMORY;
    m->mask = slots - 1;
    m->total = 0;
    for (i64 i = 0; i < n; i++) {
        size_t j = slot_of(features[i], m->mask);
        while (m->at[j].feature) j = (j + 1) & m->mask;
        m->at[j] = (Weight){features[i], weights[i]};
        m->total += weights[i];
    }
    return 0;
}

/* The weight of a feature: the kinds of BudouX's models are numbered from 1 on, and no model has a character from U+100000 on. */
static inline i64 weight_in(const Model *m, u64 kind, const u32 *characters, int n) {
    u64 feature = 0;
    for (int i = 0; i < n; i++) feature = feature << 20 | (characters[i] >> 20 ? 0xfffff : characters[i]);
    feature |= kind << 60;
    for (size_t i = slot_of(feature, m->mask);; i = (i + 1) & m->mask) {
        if (m->at[i].feature == feature) return m->at[i].weight;
        if (!m->at[i].feature) return 0;
    }
}

/* Lines of text with a zero-width space before each word that starts inside a line, as budoux.Parser.parse finds them. Returns their size, in kernel_out. */
EXPORT i64 kernel_segment(Kernel *k, int number, const u8 *s, i64 size) {
    const Model *m = &k->models[number];
    size_t n = 0;
    clear(&k->out);
    clear(&k->out2);
    if (!reserve(&k->out, 4 * (size_t)size + 4) || !reserve(&k->out2, sizeof(u32) * (size_t)size + 4)) return NO_MEMORY;
    u32 *all = (u32 *)k->out2.at, *start = all;
    for (size_t at = 0; at < (size_t)size;) all[n++] = character(s, &at);
    u8 *to = k->out.at;
    for (u32 *c = all; c < all + n; c++) {
        if (*c == '\n') {
            *to++ = '\n';
            start = c + 1;
            continue;
        }
        if (c > start) {
            i64 before = c - start, after = 0, score = 0;
            while (after < 2 && c + after + 1 < all + n && c[after + 1] != '\n') after++;
            if (before > 2) score += weight_in(m, 1, c - 3, 1) + weight_in(m, 10, c - 3, 3);
            if (before > 1) score += weight_in(m, 2, c - 2, 1) + weight_in(m, 7, c - 2, 2) + weight_in(m, 11, c - 2, 3);
            score += weight_in(m, 3, c - 1, 1) + weight_in(m, 4, c, 1) + weight_in(m, 8, c - 1, 2);
            if (after > 0) score += weight_in(m, 5, c + 1, 1) + weight_in(m, 9, c, 2) + weight_in(m, 12, c - 1, 3);
            if (after > 1) score += weight_in(m, 6, c + 2, 1) + weight_in(m, 13, c, 3);
            if (2 * score > m->total) to += write_character(to, 0x200b);
        }
        to += write_character(to, *c);
    }
    return (i64)(k->out.size = to - k->out.at);
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

/* BLAKE2b's first 8 bytes (RFC 7693). */
static u64 blake2b_8(const u8 *s, size_t n) {
    static const u64 iv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                              0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
    static const u8 sigma[10][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
    u64 h[8], m[16], v[16];
    memcpy(h, iv, sizeof iv);
    h[0] ^= 0x01010008; /* 8 bytes of hash, no key, sequential */
#define TURN(x, by) ((x) >> (by) | (x) << (64 - (by)))
#define G(a, b, c, d, x, y)                                                                                                    \
    v[a] += v[b] + (x), v[d] = TURN(v[d] ^ v[a], 32), v[c] += v[d], v[b] = TURN(v[b] ^ v[c], 24), v[a] += v[b] + (y),          \
        v[d] = TURN(v[d] ^ v[a], 16), v[c] += v[d], v[b] = TURN(v[b] ^ v[c], 63)
    for (size_t done = 0, last = 0; !last;) {
        size_t size = n - done < sizeof m ? n - done : sizeof m;
        memset(m, 0, sizeof m);
        memcpy(m, s + done, size);
        done += size;
        last = done == n;
        memcpy(v, h, sizeof h);
        memcpy(v + 8, iv, sizeof iv);
        v[12] ^= done;
        if (last) v[14] = ~v[14];
        for (int round = 0; round < 12; round++) {
            const u8 *o = sigma[round % 10];
            G(0, 4, 8, 12, m[o[0]], m[o[1]]);
            G(1, 5, 9, 13, m[o[2]], m[o[3]]);
            G(2, 6, 10, 14, m[o[4]], m[o[5]]);
            G(3, 7, 11, 15, m[o[6]], m[o[7]]);
            G(0, 5, 10, 15, m[o[8]], m[o[9]]);
            G(1, 6, 11, 12, m[o[10]], m[o[11]]);
            G(2, 7, 8, 13, m[o[12]], m[o[13]]);
            G(3, 4, 9, 14, m[o[14]], m[o[15]]);
        }
        for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
    }
    return h[0];
}

/* Porter's stemmer (M. F. Porter, "An algorithm for suffix stripping", 1980), for ASCII in lower case. w[0..n) is the word; y is
   marked as Y where it is a consonant; p1 and p2 are where what follows the first, the second vowel-consonant pair starts (so a
   suffix from p1 on is one whose stem has a measure above 0, from p2 on above 1). */
typedef struct { char w[80]; int n, p1, p2; } Word;

static int vowel(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y'; }

static int ends(const Word *w, const char *suffix) {
    int n = (int)strlen(suffix);
    return n <= w->n && !memcmp(w->w + w->n - n, suffix, n) ? n : 0;
}

static int has_vowel(const Word *w, int n) {
    for (int i = 0; i < n; i++)
        if (vowel(w->w[i])) return 1;
    return 0;
}

/* Consonant, vowel, consonant other than w, x, y: before n. */
static int is_short(const Word *w, int n) {
    if (n < 3) return 0;
    char c = w->w[n - 1];
    return !vowel(c) && c != 'w' && c != 'x' && c != 'Y' && vowel(w->w[n - 2]) && !vowel(w->w[n - 3]);
}

static void put(Word *w, int cut, const char *instead) {
    int n = (int)strlen(instead);
    memcpy(w->w + w->n - cut, instead, n);
    w->n += n - cut;
}

typedef struct { const char *suffix, *instead; } Rule;

/* The rule with the longest suffix that the word has, if any. */
static const Rule *longest(const Word *w, const Rule *rules, int *size) {
    const Rule *found = NULL;
    *size = 0;
    for (; rules->suffix; rules++) {
        int n = ends(w, rules->suffix);
        if (n > *size) {
            *size = n;
            found = rules;
        }
    }
    return found;
}

static void stem(Word *w) {
    static const Rule step2[] = {
        {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},  {"abli", "able"},    {"entli", "ent"},   {"eli", "e"},
        {"izer", "ize"},    {"ization", "ize"}, {"ational", "ate"}, {"ation", "ate"},    {"ator", "ate"},    {"alli", "al"},
        {"alism", "al"},    {"aliti", "al"},    {"fulness", "ful"}, {"ousli", "ous"},    {"ousness", "ous"}, {"iveness", "ive"},
        {"iviti", "ive"},   {"biliti", "ble"},  {NULL, NULL}};
    static const Rule step3[] = {{"alize", "al"}, {"icate", "ic"}, {"iciti", "ic"}, {"ical", "ic"},
                                 {"ative", ""},   {"ful", ""},     {"ness", ""},    {NULL, NULL}};
    static const Rule step4[] = {{"al", ""},   {"ance", ""}, {"ence", ""}, {"er", ""},  {"ic", ""},  {"able", ""}, {"ible", ""},
                                 {"ant", ""},  {"ement", ""}, {"ment", ""}, {"ent", ""}, {"ou", ""},  {"ism", ""},  {"ate", ""},
                                 {"iti", ""},  {"ous", ""},  {"ive", ""},  {"ize", ""}, {"ion", ""}, {NULL, NULL}};
    int n, i;
    for (i = 0; i < w->n; i++)
        if (w->w[i] == 'y' && (i == 0 || vowel(w->w[i - 1]))) w->w[i] = 'Y';
    int *marks[2] = {&w->p1, &w->p2};
    w->p1 = w->p2 = w->n;
    i = 0;
    for (int mark = 0; mark < 2; mark++) {
        while (i < w->n && !vowel(w->w[i])) i++;
        while (i < w->n && vowel(w->w[i])) i++;
        if (i >= w->n) break;
        *marks[mark] = ++i;
    }
    if (ends(w, "sses")) put(w, 4, "ss");
    else if (ends(w, "ies")) put(w, 3, "i");
    else if (!ends(w, "ss") && ends(w, "s")) put(w, 1, "");

    if (ends(w, "eed")) {
        if (w->n - 3 >= w->p1) put(w, 3, "ee");
    } else if (((n = ends(w, "ed")) || (n = ends(w, "ing"))) && has_vowel(w, w->n - n)) {
        put(w, n, "");
        char last = w->n ? w->w[w->n - 1] : 0;
        if (ends(w, "at") || ends(w, "bl") || ends(w, "iz")) put(w, 0, "e");
        else if (w->n > 1 && last == w->w[w->n - 2] && last && strchr("bdfgmnprt", last)) put(w, 1, "");
        else if (w->n == w->p1 && is_short(w, w->n)) put(w, 0, "e");
    }
    if ((ends(w, "y") || ends(w, "Y")) && has_vowel(w, w->n - 1)) put(w, 1, "i");

    const Rule *rule = longest(w, step2, &n);
    if (rule && w->n - n >= w->p1) put(w, n, rule->instead);
    rule = longest(w, step3, &n);
    if (rule && w->n - n >= w->p1) put(w, n, rule->instead);
    rule = longest(w, step4, &n);
    if (rule && w->n - n >= w->p2) {
        char before = w->n > n ? w->w[w->n - n - 1] : 0;
        if (strcmp(rule->suffix, "ion") || before == 's' || before == 't') put(w, n, "");
    }
    if (ends(w, "e") && (w->n - 1 >= w->p2 || (w->n - 1 >= w->p1 && !is_short(w, w->n - 1)))) put(w, 1, "");
    if (ends(w, "ll") && w->n - 1 >= w->p2) put(w, 1, "");
    for (i = 0; i < w->n; i++)
        if (w->w[i] == 'Y') w->w[i] = 'y';
}

/* Tells the words of a language, once: each is its bits (a byte), its UTF-8, and a line's end. Endings of words, and of verbs,
   have a line's end after each. The hiragana of Japanese are endings and particles. */
EXPORT int kernel_lexicon(Kernel *k, int language, const u8 *words, i64 size, const char *endings, const char *verb_endings, int stemmer, int hiragana) {
    Lexicon *l = calloc(1, sizeof *l);
    if (!l) return NO_MEMORY;
    free_lexicon(k->lexicons[language]);
    k->lexicons[language] = l;
    l->seed = k->seed;
    l->stemmer = stemmer;
    l->hiragana = hiragana;
    size_t slots = 64;
    for (i64 i = 0; i < size; i++) slots += 4 * (words[i] == '\n');
    while (slots & (slots - 1)) slots += slots & -slots;
    if (!append(&l->words, words, (size_t)size) || !append(&l->endings, endings, strlen(endings) + 1) ||
        !append(&l->verb_endings, verb_endings, strlen(verb_endings) + 1) || !reserve(&l->slots, slots * sizeof(u32)))
        return NO_MEMORY;
    u32 *slot = (u32 *)l->slots.at;
    l->slots.size = slots * sizeof(u32);
    memset(slot, 0, l->slots.size);
    for (size_t start = 0, end; start < (size_t)size; start = end + 1) {
        end = (const u8 *)memchr(words + start + 1, '\n', (size_t)size - start - 1) - words;
        size_t i = spelling_key(words + start + 1, end - start - 1, l->seed) & (slots - 1);
        while (slot[i]) i = (i + 1) & (slots - 1);
        slot[i] = (u32)start + 1;
    }
    return 0;
}

/* The bits of a word; 0 if a language does not have it. */
static int bits_of(const Lexicon *l, const u8 *s, size_t n) {
    size_t mask = l->slots.size / sizeof(u32) - 1;
    const u32 *slot = (const u32 *)l->slots.at;
    for (size_t i = spelling_key(s, n, l->seed) & mask; slot[i]; i = (i + 1) & mask) {
        const u8 *word = l->words.at + slot[i]; /* a line's end follows each, so reading no further than that is safe */
        size_t j = 0;
        while (j < n && word[j] == s[j]) j++;
        if (j == n && word[j] == '\n') return word[-1];
    }
    return 0;
}

static int has_ending(const Bytes *endings, const u8 *s, size_t n) {
    for (const char *ending = (const char *)endings->at; *ending;) {
        size_t size = strchr(ending, '\n') - ending;
        if (size <= n && !memcmp(s + n - size, ending, size)) return 1;
        ending += size + 1;
    }
    return 0;
}

/* A token's characters: their classes, where each starts, and where it starts in the token in lower case. */
enum { MOST = 96, LONGEST = 64 }; /* characters that are looked at, and of a word: what is elided before and after that is shorter */
typedef struct { u32 class[MOST]; uint16_t at[MOST + 1], lowered_at[MOST + 1]; u8 lowered[4 * MOST]; } Letters;

/* Whether a part of a token ends a run, as languages.py's is_stopword has it. */
static int is_stopword(const Lexicon *l, const Letters *t, int from, int to) {
    const u8 *s = t->lowered + t->lowered_at[from];
    size_t n = (size_t)(t->lowered_at[to] - t->lowered_at[from]);
    if (bits_of(l, s, n) & STOPS || has_ending(&l->endings, s, n)) return 1;
    if (to - from > 4 && t->class[from] & LOWER && has_ending(&l->verb_endings, s, n)) return 1;
    int hiragana = l->hiragana;
    for (int i = from; i < to && hiragana; i++) hiragana = (t->class[i] & SCRIPT) == HIRAGANA;
    return hiragana;
}

static int set_stem(Kernel *k, Stem *stem, const u8 *s, size_t n) {
    stem->hash = blake2b_8(s, n);
    stem->at = (u32)k->stem_text.size;
    stem->size = (u32)n;
    stem->characters = 0;
    for (size_t i = 0; i < n; i++) stem->characters += (s[i] & 0xc0) != 0x80;
    return append(&k->stem_text, s, n);
}

/* The number of a new stem; NO_MEMORY if there is none. */
static i32 new_stem(Kernel *k, const u8 *s, size_t n, size_t skipped, size_t cut) {
    Stem new = {.skipped = (u8)skipped, .cut = (u8)cut};
    i32 number = (i32)(k->stems.size / sizeof new);
    return set_stem(k, &new, s, n) && append(&k->stems, &new, sizeof new) ? number : NO_MEMORY;
}

/* The number of a word that is new: its own, unless it ends a run; see word_of in tokens.py. NO_MEMORY if there is none,
   NEEDS_PYTHON if its lower case has rules of its own. */
static i32 number_of(Kernel *k, const Lexicon *l, const u8 *s, size_t n, uint16_t *flags) {
    Letters t;
    u32 all = ALPHA, any = 0; /* flags that all characters have, and that any has */
    int count = 0;
    size_t size = 0, at = 0;
    while (at < n) {
        size_t start = at;
        u32 class = k->classes[character(s, &at)];
        all &= class;
        any |= class;
        if (count == MOST) continue;
        t.class[count] = class;
        t.at[count] = (uint16_t)start;
        t.lowered_at[count++] = (uint16_t)size;
        size += write_character(t.lowered + size, class >> LOWERED);
    }
    if (!(any & ALNUM)) return BREAK;
    if (count == MOST) return STOPWORD;
    if (any & ODD) return NEEDS_PYTHON;
    t.at[count] = (uint16_t)n;
    t.lowered_at[count] = (uint16_t)size;
    int from = 0, to = count;
    if (!(all & ALPHA)) {
        if (is_stopword(l, &t, 0, count)) return STOPWORD;
        const u8 *apostrophe = memchr(t.lowered, '\'', size);
        if (apostrophe && (size_t)(apostrophe - t.lowered) + 1 < size && bits_of(l, t.lowered, apostrophe - t.lowered) & ELIDED)
            while (t.lowered_at[from] <= apostrophe - t.lowered) from++;
        if (size >= 2 && !memcmp(t.lowered + size - 2, "'s", 2)) to -= 2;
        if (size == 3 && !memcmp(t.lowered, "st.", 3)) to--;
        any = 0;
        for (int i = from; i < to; i++) any |= t.class[i];
        if (!(any & ALPHA)) return STOPWORD;
    }
    if (to - from < 2 || to - from > LONGEST) return STOPWORD;
    const u8 *word = t.lowered + t.lowered_at[from];
    size_t word_size = t.lowered_at[to] - t.lowered_at[from];
    int bits = bits_of(l, word, word_size), ascii = 1;
    size_t skipped = t.at[from], cut = n - t.at[to];
    if (bits & CONNECTS) {
        *flags = CONNECTOR;
        skipped = cut = 0;
    } else {
        if (is_stopword(l, &t, from, to)) return STOPWORD;
        *flags = (uint16_t)(WORD | (bits & GENERICS ? GENERIC : 0) | (t.class[from] & UPPER ? CAPITAL : 0) |
                            ((any & (UPPER | LOWER)) == UPPER ? SHOUTED : 0) | (any & (UPPER | DIGIT) ? NOUN : 0));
    }
    for (size_t i = 0; i < word_size; i++) ascii &= word[i] < 0x80;
    if (l->stemmer == PORTER && ascii) {
        Word w;
        memcpy(w.w, word, word_size);
        w.n = (int)word_size;
        stem(&w);
        if (w.n) return new_stem(k, (const u8 *)w.w, w.n, skipped, cut); /* else nothing is left, and the word stays */
    } else if (l->stemmer != NO_STEMMER) {
        Stem none = {.skipped = (u8)skipped, .cut = (u8)cut}; /* until kernel_stem is called */
        i32 number = (i32)(k->stems.size / sizeof none);
        return append(&k->stems, &none, sizeof none) && append(&k->unstemmed, &number, sizeof number) &&
                       append(&k->unstemmed_text, word, word_size) && append(&k->unstemmed_text, "\n", 1)
                   ? number
                   : NO_MEMORY;
    }
    return new_stem(k, word, word_size, skipped, cut);
}

/* The words whose stems Python has to find, each with a line's end: returns their size. */
EXPORT i64 kernel_unstemmed(Kernel *k, const u8 **at) {
    *at = k->unstemmed_text.at;
    return (i64)k->unstemmed_text.size;
}

/* Takes their stems, each with a line's end. */
EXPORT int kernel_stem(Kernel *k, const u8 *stems) {
    const i32 *numbers = (const i32 *)k->unstemmed.at;
    for (size_t i = 0; i < k->unstemmed.size / sizeof(i32); i++) {
        size_t size = strchr((const char *)stems, '\n') - (const char *)stems;
        if (!set_stem(k, (Stem *)k->stems.at + numbers[i], stems, size)) return NO_MEMORY;
        stems += size + 1;
    }
    clear(&k->unstemmed);
    clear(&k->unstemmed_text);
    return 0;
}

/* ---- tokens --------------------------------------------------------------------------------------------------- */

static Entry *find_entry(Kernel *k, const u8 *s, size_t n) {
    u64 key = spelling_key(s, n, k->seed);
    size_t mask = k->entry_slots - 1, i = (key + k->language) & mask;
    for (;; i = (i + 1) & mask) {
        Entry *e = &k->entries[i];
        if (!e->size) {
            e->key = key; /* for who fills it */
            e->language = (uint16_t)k->language;
            return e;
        }
        if (e->key == key && e->size == n && e->language == k->language && (n <= 8 || !memcmp(k->spellings.at + e->at, s, n))) return e;
    }
}

static int grow_entries(Kernel *k) {
    size_t slots = k->entry_slots * 2;
    Entry *entries = calloc(slots, sizeof(Entry));
    if (!entries) return 0;
    for (size_t i = 0; i < k->entry_slots; i++) {
        if (!k->entries[i].size) continue;
        size_t j = (k->entries[i].key + k->entries[i].language) & (slots - 1);
        while (entries[j].size) j = (j + 1) & (slots - 1);
        entries[j] = k->entries[i];
    }
    free(k->entries);
    k->entries = entries;
    k->entry_slots = slots;
    return 1;
}

static int add_break(Kernel *k, size_t start, size_t end) {
    Token token = {(u32)start, (u32)end, BREAK, 0};
    return append(&k->tokens, &token, sizeof token);
}

static int add_word(Kernel *k, size_t start, size_t end, u32 place) {
    size_t n = end - start;
    Entry *e = find_entry(k, k->text + start, n);
    if (!e->size) {
        const Lexicon *l = k->lexicons[k->language];
        e->flags = 0;
        e->number = l ? number_of(k, l, k->text + start, n, &e->flags) : NEEDS_PYTHON;
        if (e->number == NO_MEMORY) return 0;
        if (e->number == NEEDS_PYTHON) {
            Token new = {(u32)start, (u32)end, 0, 0};
            if (!append(&k->unknown, &new, sizeof new)) return 0;
            e->number = -(i32)(k->unknown.size / sizeof new);
        }
        e->at = (u32)k->spellings.size;
        if (!append(&k->spellings, k->text + start, n)) return 0;
        e->size = (u32)n;
        Token token = {(u32)start, (u32)end, e->number, e->flags | place};
        if (2 * ++k->entry_count > k->entry_slots && !grow_entries(k)) return 0;
        return append(&k->tokens, &token, sizeof token);
    }
    Token token = {(u32)start, (u32)end, e->number, e->flags | place};
    return append(&k->tokens, &token, sizeof token);
}

static int is_upper(u32 c) { return c >= 'A' && c <= 'Z'; }

/* Whether some text is at a place. */
static int is_here(const u8 *s, size_t at, size_t n, const char *what) {
    size_t size = strlen(what);
    return size <= n - at && !memcmp(s + at, what, size);
}

/* Whether what is before a place is a word's end: no letter follows, but perhaps one of a script without spaces. Returns
   NEEDS_PYTHON - character if the class of that is not known. */
static i64 word_ends(const u32 *classes, const u8 *s, size_t at, size_t n) {
    if (at >= n) return 1;
    u32 c = character(s, &at);
    u32 class = classes[c];
    return !(class & CLASSIFIED) ? NEEDS_PYTHON - (i64)c : !(class & LETTER) || class & SCRIPT;
}

/* Cuts a text into tokens, and gives them their numbers, by the pattern in tokens.py. The text must stay where it is until its
   candidates are found. Returns how many of its words Python has to learn (kernel_unknown); it may have to stem others (kernel_unstemmed). If a character's
   class is not known, returns NEEDS_PYTHON - character: call it `again` when that is known. */
EXPORT i64 kernel_scan(Kernel *k, const u8 *s, i64 size, u32 language, int rules, int again) {
    if ((k->unknown.size || k->unstemmed.size) && !again && kernel_forget(k) < 0) return NO_MEMORY; /* somebody was interrupted */
    k->text = s;
    k->language = language;
    k->rules = rules;
    clear(&k->tokens);
    const u32 *classes = k->classes;
    size_t n = (size_t)size, at = 0;
    int broken = 1; /* whether the last token is a break already */
    u32 place = n && *s == '\t' ? 0 : STRONG;
    while (at < n) {
        size_t start = at;
        u32 c = character(s, &at);
        u32 class = classes[c];
        if (!(class & CLASSIFIED)) return NEEDS_PYTHON - (i64)c;
        if (!(class & LETTER)) {
            if (c == '\n') place = at < n && s[at] == '\t' ? LINE : LINE | STRONG;
            if (c == '.' && is_here(s, at, n, "NET")) {
                i64 ends = word_ends(classes, s, at + 3, n);
                if (ends < 0) return ends;
                if (ends) {
                    at += 3;
                    if (!add_word(k, start, at, place)) return NO_MEMORY;
                    place &= STRONG;
                    broken = 0;
                    continue;
                }
            }
            if (!broken && (c == '\n' || !(class & SPACE))) {
                if (!add_break(k, start, at)) return NO_MEMORY;
                broken = 1;
            }
            continue;
        }
        if (is_upper(c) && at < n && (s[at] == '.' || s[at] == '+' || s[at] == '#')) {
            size_t end = at;
            if (s[at] == '#') end = at + 1;
            else if (is_here(s, at, n, "++")) end = at + 2;
            else if (s[at] == '.')
                for (end = start; n - end >= 2 && is_upper(s[end]) && s[end + 1] == '.';) end += 2;
            if (end > at && (s[at] != '.' || end > start + 2)) {
                at = end;
                if (!add_word(k, start, at, place)) return NO_MEMORY;
                place &= STRONG;
                broken = 0;
                continue;
            }
        }
        u32 script = class & SCRIPT;
        while (at < n) { /* as long as the next character is a letter that touches the one before */
            size_t next = at;
            u32 before = c;
            c = character(s, &next);
            class = classes[c];
            if (!(class & CLASSIFIED)) return NEEDS_PYTHON - (i64)c;
            if (class & LETTER) {
                if ((class & SCRIPT) != script) break;
            } else if ((c == '\'' || c == '-' || c == 0x2019 || c == 0xb7 || (c == '&' && is_upper(before))) && !script && next < n) {
                u32 joined = c;
                c = character(s, &next);
                class = classes[c];
                if (!(class & CLASSIFIED)) return NEEDS_PYTHON - (i64)c;
                if (!(class & LETTER) || class & SCRIPT || (joined == '&' && !is_upper(c))) break;
            } else {
                break;
            }
            at = next;
        }
        if (!script && at < n && (s[at] == ':' || s[at] == '@' || s[at] == '.')) {
            int after_www = s[at] == '.' && at - start >= 3 && !memcmp(s + at - 3, "www", 3);
            if (s[at] == '@' || after_www || is_here(s, at, n, "://")) { /* an address */
                while (at < n && s[at] != ' ' && s[at] != '\n' && s[at] != '\t') at++;
                if (!broken && !add_break(k, start, at)) return NO_MEMORY;
                broken = 1;
                continue;
            }
            if (at - start == 2 && s[start] == 'S' && is_here(s, start, n, "St. ") && n - start > 4 && is_upper(s[start + 4])) at++;
            size_t end = at + (is_here(s, at, n, ".js") ? 3 : is_here(s, at, n, ".NET") ? 4 : 0);
            if (end > at) {
                i64 ends = word_ends(classes, s, end, n);
                if (ends < 0) return ends;
                if (ends) at = end;
            }
        }
        if (!add_word(k, start, at, place)) return NO_MEMORY;
        place &= STRONG;
        broken = 0;
    }
    return (i64)(k->unknown.size / sizeof(Token));
}

EXPORT const Token *kernel_unknown(Kernel *k) { return (const Token *)k->unknown.at; }

typedef struct { u32 end; u8 kind, flags, skipped, cut; } Learned;

/* Learns the words that kernel_scan found to be new. Of each the kind (BREAK, STOPWORD, or more for one that has a stem), its flags,
   the bytes at its ends that are not the word's, and where the UTF-8 of its stem ends in `text` (it starts where the one before
   ends). */
EXPORT int kernel_learn(Kernel *k, const Learned *learned, const u8 *text) {
    Token *unknown = (Token *)k->unknown.at;
    size_t count = k->unknown.size / sizeof(Token);
    u32 start = 0;
    for (size_t i = 0; i < count; i++) {
        Token *token = &unknown[i];
        const Learned *l = &learned[i];
        token->number = l->kind;
        if (l->kind > STOPWORD) {
            token->number = new_stem(k, text + start, l->end - start, l->skipped, l->cut);
            if (token->number < 0) return NO_MEMORY;
            token->flags = l->flags | (l->flags & CONNECTOR ? 0 : WORD);
        }
        start = l->end;
        Entry *e = find_entry(k, k->text + token->start, token->end - token->start);
        e->number = token->number;
        e->flags = (uint16_t)token->flags;
    }
    Token *tokens = (Token *)k->tokens.at;
    for (size_t i = 0; i < k->tokens.size / sizeof(Token); i++)
        if (tokens[i].number < 0) {
            const Token *token = &unknown[-tokens[i].number - 1];
            tokens[i].number = token->number;
            tokens[i].flags |= token->flags;
        }
    k->unknown.size = 0;
    return 0;
}

/* The hash of a phrase and the word after it. */
static inline u64 mix(u64 left, u64 right) {
    u64 z = left * 0x9E3779B97F4A7C15u + right;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* ---- document frequencies ------------------------------------------------------------------------------------- */

/* A table of counts, open addressing by the upper bits of the hash (after those that all have in common): so it is nearly in order of the hashes. */
enum { PAD = 256 };

static int new_counts(Kernel *k, int bits) {
    Count *counts = calloc(((size_t)1 << bits) + PAD, sizeof(Count));
    if (!counts) return 0;
    k->counts = counts;
    k->count_bits = bits;
    k->count_room = ((size_t)1 << bits) + PAD;
    k->count_count = 0;
    return 1;
}

static int grow_counts(Kernel *k);

static inline int add_count(Kernel *k, u64 hash, u32 count, u32 page) {
    for (;;) {
        size_t i = hash << k->count_skip >> (64 - k->count_bits);
        for (; i < k->count_room; i++) {
            Count *c = &k->counts[i];
            if (!c->count) {
                *c = (Count){hash, count, page};
                if (2 * ++k->count_count > (size_t)1 << k->count_bits) return grow_counts(k);
                return 1;
            }
            if (c->hash == hash) {
                if (c->page != page || !page) c->count += count;
                c->page = page;
                return 1;
            }
        }
        Count *more = realloc(k->counts, (k->count_room + PAD) * sizeof(Count)); /* the end, where nothing wraps around */
        if (!more) return 0;
        memset(more + k->count_room, 0, PAD * sizeof(Count));
        k->counts = more;
        k->count_room += PAD;
    }
}

static int grow_counts(Kernel *k) {
    Count *old = k->counts;
    size_t room = k->count_room;
    if (!new_counts(k, k->count_bits + 1)) {
        k->counts = old;
        return 0;
    }
    for (size_t i = 0; i < room; i++)
        if (old[i].count && !add_count(k, old[i].hash, old[i].count, old[i].page)) {
            free(old);
            return 0;
        }
    free(old);
    return 1;
}

/* Starts a table of counts for about so many phrases, whose hashes have their `skip` upper bits in common. */
EXPORT int kernel_start_counts(Kernel *k, i64 expected, int skip) {
    k->count_skip = skip;
    int bits = 10;
    while ((i64)1 << bits < 2 * expected && bits < 40) bits++;
    free(k->counts);
    k->counts = NULL;
    k->page = 0;
    return new_counts(k, bits) ? 0 : NO_MEMORY;
}

/* Counts the candidates of the text at hand: each once. */
EXPORT int kernel_count(Kernel *k) {
    if (!k->counts && kernel_start_counts(k, 0, 0) < 0) return NO_MEMORY;
    const Token *tokens = (const Token *)k->tokens.at;
    const Stem *stems = (const Stem *)k->stems.at;
    size_t n = k->tokens.size / sizeof(Token);
    u32 page = ++k->page;
    u64 before = 0, two_before = 0; /* the hashes of the word before, and of the two words before */
    int run = 0, connected = 0;     /* words before in the run; whether a word and a connector are before, with the hash two_before */
    for (size_t i = 0; i < n; i++) {
        if (!(tokens[i].flags & WORD)) {
            connected = run && tokens[i].flags & CONNECTOR;
            if (connected) two_before = mix(before, stems[tokens[i].number].hash);
            run = 0;
            continue;
        }
        u64 word = stems[tokens[i].number].hash, two = 0;
        int ok = add_count(k, word, 1, page);
        if (run > 0) ok &= add_count(k, two = mix(before, word), 1, page);
        if (run > 1 || connected) ok &= add_count(k, mix(two_before, word), 1, page);
        if (!ok) return NO_MEMORY;
        before = word;
        two_before = two;
        connected = 0;
        run++;
    }
    return 0;
}

/* Adds a table of n phrases: hashes, then counts. */
EXPORT int kernel_add(Kernel *k, const u8 *table, i64 n) {
    if (!k->counts && kernel_start_counts(k, n, 0) < 0) return NO_MEMORY;
    for (i64 i = 0; i < n; i++) {
        u64 hash;
        u32 count;
        memcpy(&hash, table + 8 * i, 8);
        memcpy(&count, table + 8 * n + 4 * i, 4);
        if (!add_count(k, hash, count, 0)) return NO_MEMORY;
    }
    return 0;
}

/* The table of what was counted: hashes in ascending order, then counts; of those counted `least` times or more, and of hash 0.
   Returns its size in bytes; it is in kernel_out. Ends the counting. */
EXPORT i64 kernel_counted(Kernel *k, u32 least) {
    size_t n = 0;
    for (size_t i = 0; i < k->count_room; i++) {
        Count c = k->counts[i];
        if (!c.count) continue;
        size_t j = n++; /* insertion sort: things are in order but for a few places */
        for (; j && k->counts[j - 1].hash > c.hash; j--) k->counts[j] = k->counts[j - 1];
        k->counts[j] = c;
    }
    clear(&k->out);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (k->counts[i].count >= least || !k->counts[i].hash) k->counts[kept++] = k->counts[i];
    if (!reserve(&k->out, 12 * kept + 1)) return NO_MEMORY;
    for (size_t i = 0; i < kept; i++) {
        memcpy(k->out.at + 8 * i, &k->counts[i].hash, 8);
        memcpy(k->out.at + 8 * kept + 4 * i, &k->counts[i].count, 4);
    }
    free(k->counts);
    k->counts = NULL;
    k->count_room = 0;
    return (i64)(12 * kept);
}

/* ---- scores --------------------------------------------------------------------------------------------------- */

/* A table of document frequencies, and what goes with it. steps[v] is the least n with L(n) >= v. */
typedef struct { const u8 *table; i64 phrases; i64 pages; const i64 *steps; i64 step_count; i64 top; i64 bits; } Frequencies;

static i64 df_of(const Frequencies *f, u64 hash) {
    i64 low = 0, high = f->phrases; /* the answer is in [low, high) */
    const u8 *table = f->table;
    if (high > 64) { /* the hashes are spread evenly: look where it should be, and widen from there */
        i64 guess = (i64)((unsigned __int128)hash * (u64)high >> 64), step = 8;
        u64 there;
        memcpy(&there, table + 8 * guess, 8);
        if (there <= hash) {
            low = guess;
            while (low + step < high) {
                memcpy(&there, table + 8 * (low + step), 8);
                if (there > hash) {
                    high = low + step;
                    break;
                }
                low += step;
                step *= 2;
            }
        } else {
            high = guess;
            while (high - step >= 0) {
                memcpy(&there, table + 8 * (high - step), 8);
                if (there <= hash) {
                    low = high - step;
                    break;
                }
                high -= step;
                step *= 2;
            }
        }
    }
    while (high - low > 0) {
        i64 middle = low + (high - low) / 2;
        u64 there;
        memcpy(&there, table + 8 * middle, 8);
        if (there == hash) {
            u32 count;
            memcpy(&count, table + 8 * f->phrases + 4 * middle, 4);
            return count;
        }
        if (there < hash) low = middle + 1;
        else high = middle;
    }
    return 1;
}

/* L(n) = floor(256 log2 n). */
static i64 log_of(const Frequencies *f, i64 n) {
    i64 low = 0, high = f->step_count;
    while (high - low > 1) {
        i64 middle = (low + high) / 2;
        if (f->steps[middle] <= n) low = middle;
        else high = middle;
    }
    return low;
}

/* Another table of frequencies is to be used from now on: what was looked up in the last one is forgotten. */
EXPORT void kernel_new_table(Kernel *k) { k->table++; }

static int better(const Best *a, const Best *b) {
    if (a->score != b->score) return a->score > b->score;
    if (a->first != b->first) return a->first < b->first;
    return a->tokens < b->tokens; /* which is the order of their stems, as both start at the same word */
}

enum { PARTICLE = 3 }; /* candidates.py */

static inline int is_long(const Kernel *k, const Token *word) {
    return ((const Stem *)k->stems.at)[word->number].characters > PARTICLE;
}

/* The weight of an occurrence of a phrase, as candidates.py has it. `capitals`: whether nouns have capitals on this page. */
static i64 weight_of(const Kernel *k, const Token *first, const Token *last, int starts_run, int capitals) {
    i64 weight = first->flags & STRONG ? 4 : 1;
    int phrase = first < last;
    if (k->rules & NOUNS) {
        if (!capitals) return weight;
        if (phrase && (!(last->flags & NOUN) || (first->flags & NOUN && !(first[1].flags & NOUN) && is_long(k, &first[1])))) return 0;
        return last->flags & NOUN ? weight : 1;
    }
    if (k->rules & ENGLISH && phrase && !(first->flags & NOUN) && is_long(k, first) && last->flags & CAPITAL && !(last->flags & SHOUTED))
        return 1;
    int name = first->flags & last->flags & CAPITAL && (k->rules & ENGLISH || first != last || !starts_run);
    return name ? 2 * weight : weight;
}

enum { TITLE_WORDS = 64, LONG_TEXT = 300 }; /* candidates.py */

/* Whether the words of a line, stopwords among them, follow each other in a title of n words, given by their hashes. */
static int is_in_title(const Kernel *k, const Token *line, const Token *end, const u64 *title, size_t n) {
    const Stem *stems = (const Stem *)k->stems.at;
    for (size_t from = 0; from < n; from++) {
        size_t at = from;
        const Token *t = line;
        for (; t < end; t++) {
            if (t->number <= BREAK) continue;
            if (at == n || stems[t->number].hash != title[at]) break;
            at++;
        }
        if (t == end) return 1;
    }
    return 0;
}

/* Marks the words of the title, and of lines that repeat a part of it; returns the number of the others. */
static size_t mark_title(Kernel *k) {
    Token *tokens = (Token *)k->tokens.at;
    const Stem *stems = (const Stem *)k->stems.at;
    size_t n = k->tokens.size / sizeof(Token), i = 0, size = 0, elsewhere = 0;
    u64 title[TITLE_WORDS];
    for (; i < n && !(tokens[i].flags & LINE); i++) {
        tokens[i].flags |= OF_TITLE;
        if (tokens[i].number > BREAK && size < TITLE_WORDS) title[size++] = stems[tokens[i].number].hash;
    }
    while (i < n) {
        size_t line = i, words = 0;
        do words += tokens[i].number > BREAK;
        while (++i < n && !(tokens[i].flags & LINE));
        if (words > 1 && words <= size && is_in_title(k, tokens + line, tokens + i, title, size))
            for (size_t j = line; j < i; j++) tokens[j].flags |= OF_TITLE;
        else
            elsewhere += words;
    }
    return elsewhere;
}

static int find_candidates(Kernel *k) {
    const Token *tokens = (const Token *)k->tokens.at;
    const Stem *stems = (const Stem *)k->stems.at;
    size_t n = k->tokens.size / sizeof(Token), words = 0, capitals = 0;
    for (size_t i = 0; i < n; i++) {
        words += !!(tokens[i].flags & WORD);
        capitals += !!(tokens[i].flags & CAPITAL);
    }
    int with_capitals = 6 * capitals > words;
    size_t slots = 64;
    while (slots < 6 * words) slots *= 2; /* no more than three phrases start at a word */
    clear(&k->slots);
    clear(&k->candidates);
    clear(&k->of_token);
    if (!reserve(&k->slots, slots * sizeof(u32)) || !reserve(&k->of_token, (n + 1) * sizeof(u32)) ||
        !reserve(&k->candidates, (3 * words + 1) * sizeof(Candidate)))
        return 0;
    u32 *slot = (u32 *)k->slots.at, *of_token = (u32 *)k->of_token.at;
    Candidate *found = (Candidate *)k->candidates.at;
    memset(slot, 0, slots * sizeof(u32));
    size_t count = 0;
    i64 offset = -1; /* words before this one, stopwords and numbers among them */
    for (size_t i = 0, run_end = 0; i < n; i++) {
        offset += tokens[i].number > BREAK;
        if (!(tokens[i].flags & WORD)) continue;
        int starts_run = i >= run_end;
        if (starts_run) {
            run_end = i;
            while (run_end < n && tokens[run_end].flags & WORD) run_end++;
        }
        int connects = i + 2 < n && tokens[i + 1].flags & CONNECTOR && tokens[i + 2].flags & WORD;
        u64 hash = 0;
        u32 length = 0, generic = GENERIC;
        for (u32 w = 1; w <= 3 && (i + w <= run_end || connects); w++) {
            const Stem *stem = &stems[tokens[i + w - 1].number];
            hash = w == 1 ? stem->hash : mix(hash, stem->hash);
            length += stem->characters + (w > 1);
            generic &= tokens[i + w - 1].flags;
            if (connects && w == 2) continue;
            size_t j = hash & (slots - 1);
            while (slot[j] && found[slot[j] - 1].hash != hash) j = (j + 1) & (slots - 1);
            if (!slot[j]) {
                slot[j] = (u32)++count;
                found[count - 1] = (Candidate){hash, 0, 0, offset, (i64)i, w, length, 0, !!generic, 0, 0};
            }
            Candidate *c = &found[slot[j] - 1];
            c->tf++;
            c->weight += weight_of(k, &tokens[i], &tokens[i + w - 1], starts_run, with_capitals);
            c->whole |= starts_run && i + w == run_end;
            c->elsewhere |= !(tokens[i].flags & OF_TITLE);
            c->strong |= !!(tokens[i].flags & STRONG);
            if (w == 1) of_token[i] = slot[j] - 1;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!found[i].strong && found[i].weight > 1) found[i].weight = 1; /* in weak blocks only */
    k->candidates.size = count * sizeof(Candidate);
    return 1;
}

static int put_long(Bytes *b, i64 value) { /* Avro's zig-zag variable length integer */
    u64 z = ((u64)value << 1) ^ (u64)(value >> 63);
    u8 bytes[10];
    int n = 0;
    for (; z >= 0x80; z >>= 7) bytes[n++] = (u8)(z | 0x80);
    bytes[n++] = (u8)z;
    return append(b, bytes, n);
}

static int put_string(Bytes *b, const u8 *s, size_t n) { return put_long(b, (i64)n) && append(b, s, n); }

/* The stems of a phrase, as an Avro string. */
static int put_stems(Kernel *k, Bytes *b, const Best *best) {
    const Token *tokens = (const Token *)k->tokens.at + best->token;
    const Stem *stems = (const Stem *)k->stems.at;
    size_t size = best->tokens - 1;
    for (u32 w = 0; w < best->tokens; w++) size += stems[tokens[w].number].size;
    if (!put_long(b, (i64)size)) return 0;
    for (u32 w = 0; w < best->tokens; w++) {
        const Stem *stem = &stems[tokens[w].number];
        if ((w && !append(b, " ", 1)) || !append(b, k->stem_text.at + stem->at, stem->size)) return 0;
    }
    return 1;
}

enum { FORMS = 256, INDEX_FORMS = 64, POOL = 64 }; /* scores.py says what these are */

/* Whether the phrase of some words at one place is at another one, by its stems. */
static int same_stems(const Kernel *k, const Token *a, const Token *b, u32 count) {
    const Stem *stems = (const Stem *)k->stems.at;
    for (u32 w = 0; w < count; w++)
        if (b[w].number <= STOPWORD || (a[w].number != b[w].number && stems[a[w].number].hash != stems[b[w].number].hash)) return 0;
    return 1;
}

/* Where a phrase is written as it is most often on the page: its first token there. In capitals only if it always is. */
static const Token *usual_form(const Kernel *k, const Best *best) {
    struct { const Token *at; int count, shouted; } forms[FORMS];
    const Token *tokens = (const Token *)k->tokens.at, *end = tokens + k->tokens.size / sizeof(Token), *it = tokens + best->token;
    int n = 0;
    if (best->tf == 1) return it;
    for (i64 left = best->tf < FORMS ? best->tf : FORMS; left && end - it >= best->tokens; it++) {
        if (!(it[0].flags & WORD && it[best->tokens - 1].flags & WORD) || !same_stems(k, tokens + best->token, it, best->tokens)) continue;
        left--;
        int i = 0, shouted = 1;
        for (; i < n; i++) {
            u32 w = 0;
            while (w < best->tokens && forms[i].at[w].number == it[w].number) w++;
            if (w == best->tokens) break;
        }
        if (i < n) {
            forms[i].count++;
            continue;
        }
        for (u32 w = 0; w < best->tokens; w++) shouted &= !!(it[w].flags & (SHOUTED | CONNECTOR));
        forms[n].at = it;
        forms[n].count = 1;
        forms[n++].shouted = shouted;
    }
    int chosen = 0;
    for (int i = 1; i < n; i++)
        if (forms[i].shouted < forms[chosen].shouted || (forms[i].shouted == forms[chosen].shouted && forms[i].count > forms[chosen].count))
            chosen = i;
    return forms[chosen].at;
}

/* A phrase as the page writes it, without zero-width spaces, as an Avro string. `form` is its first token. */
static int put_phrase(Kernel *k, Bytes *b, const Token *form, u32 count) {
    const Stem *stems = (const Stem *)k->stems.at;
    const u8 *s = k->text + form[0].start + stems[form[0].number].skipped;
    const u8 *end = k->text + form[count - 1].end - stems[form[count - 1].number].cut;
    static const u8 zero_width[] = {0xe2, 0x80, 0x8b};
    size_t size = end - s;
    for (const u8 *p = s; end - p >= 3 && (p = memchr(p, 0xe2, end - p - 2)); p++) size -= memcmp(p, zero_width, 3) ? 0 : 3;
    if (!put_long(b, (i64)size) || !reserve(b, size)) return 0;
    while (s < end) {
        if (end - s >= 3 && !memcmp(s, zero_width, 3)) s += 3;
        else b->at[b->size++] = *s++;
    }
    return 1;
}

static int contains(const Kernel *k, const Best *longer, const Best *phrase) {
    const Token *tokens = (const Token *)k->tokens.at;
    for (u32 i = 0; i + phrase->tokens <= longer->tokens; i++)
        if (same_stems(k, tokens + phrase->token, tokens + longer->token + i, phrase->tokens)) return 1;
    return 0;
}

/* Puts the longer phrase, with its score, in the place of each of the best that occurs only inside one. Returns how many of n are left. */
static size_t merge_fragments(const Kernel *k, Best *best, size_t n, Best *shown) {
    size_t count = 0, pool = n < POOL ? n : POOL;
    for (size_t i = 0; i < n; i++) {
        size_t longest = i;
        for (size_t j = 0; i < pool && j < pool && best[i].tf > 1; j++)
            if (best[j].tf == best[i].tf && best[j].tokens > best[i].tokens && contains(k, &best[j], &best[i]) &&
                best[j].tokens > best[longest].tokens)
                longest = j;
        Best it = best[longest];
        size_t j = 0;
        while (i < pool && j < count && shown[j].hash != it.hash) j++;
        if (i < pool && j < count) continue;
        it.score = best[i].score;
        for (j = count++; j && better(&it, &shown[j - 1]); j--) shown[j] = shown[j - 1];
        shown[j] = it;
    }
    return count;
}

/* Leaves out words that are part of one of the best phrases, and seldom stand alone: once, or half as often as the phrase (a third outside
   English). Phrases that add little to a better one, as scores.py has it, get a quarter of their score. Returns how many are left: the
   best `top`. The phrase with the hash `site`, the site's name, gets a quarter, too. */
static size_t without_parts(const Kernel *k, Best *shown, size_t n, size_t top, u64 site) {
    size_t count = 0, full[POOL], fulls = 0; /* where those with their full score are */
    int share = k->rules & ENGLISH ? 2 : 3;
    for (size_t i = 0; i < n; i++) {
        Best it = shown[i];
        int is_part = 0, less = 0;
        for (size_t j = 0; it.tokens != 2 && j < fulls && !is_part; j++) {
            const Best *other = &shown[full[j]];
            if (it.tokens == 1 && other->tokens > 1 && contains(k, other, &it)) {
                i64 outside = it.tf - other->tf;
                is_part = outside <= 1 || outside * share <= other->tf;
                less = 1;
            }
            if (it.tokens == 3 && other->tokens == 2 && contains(k, &it, other)) less = 1;
        }
        if (less || it.hash == site) it.score /= 4;
        if (is_part) continue;
        if (!less && fulls < POOL) full[fulls++] = count;
        shown[count++] = it;
    }
    for (size_t i = 1; i < count; i++) {
        Best it = shown[i];
        size_t j = i;
        for (; j && better(&it, &shown[j - 1]); j--) shown[j] = shown[j - 1];
        shown[j] = it;
    }
    return count < top ? count : top;
}

/* Starts 2**bits buckets of postings. */
EXPORT int kernel_start_postings(Kernel *k, int bits) {
    if (k->postings)
        for (size_t i = 0; i < (size_t)1 << k->bits; i++) free(k->postings[i].at);
    free(k->postings);
    k->bits = bits;
    k->postings = calloc((size_t)1 << bits, sizeof(Bytes));
    return k->postings ? 0 : NO_MEMORY;
}

/* A bucket of postings: returns its size, and sets where it is. */
EXPORT i64 kernel_postings(Kernel *k, i64 bucket, const u8 **at) {
    if (!k->postings) return 0;
    *at = k->postings[bucket].at;
    return (i64)k->postings[bucket].size;
}

/* The hash of the phrase that the text at hand is, but for stopwords and punctuation at its ends; 0 if it is no phrase. */
EXPORT u64 kernel_phrase(Kernel *k) {
    const Token *t = (const Token *)k->tokens.at, *end = t + k->tokens.size / sizeof(Token);
    const Stem *stems = (const Stem *)k->stems.at;
    while (t < end && t->number <= STOPWORD) t++;
    while (t < end && end[-1].number <= STOPWORD) end--;
    size_t n = (size_t)(end - t);
    u64 hash = 0;
    if (n > 3) return 0;
    for (size_t i = 0; i < n; i++) {
        if (!(t[i].flags & WORD) && !(n == 3 && i == 1 && t[i].flags & CONNECTOR)) return 0;
        hash = i ? mix(hash, stems[t[i].number].hash) : stems[t[i].number].hash;
    }
    return hash;
}

/* The `top` best keywords of the text at hand, as an Avro array of Keyword, in kernel_out (its size is returned); each is also
   added to its bucket of postings, under the page's URL. `site`: the hash of the site's name, 0 for none. */
EXPORT i64 kernel_score(Kernel *k, const Frequencies *f, const u8 *url, i64 url_size, u64 site) {
    int long_text = mark_title(k) >= LONG_TEXT;
    if (!find_candidates(k) || (!k->postings && kernel_start_postings(k, (int)f->bits) < 0)) return NO_MEMORY;
    const Token *tokens = (const Token *)k->tokens.at;
    const u32 *of_token = (const u32 *)k->of_token.at;
    Stem *stems = (Stem *)k->stems.at;
    const Candidate *found = (const Candidate *)k->candidates.at;
    size_t count = k->candidates.size / sizeof(Candidate), n = 0, size = (size_t)f->top + POOL;
    i64 most = log_of(f, f->pages + 1);
    clear(&k->best);
    clear(&k->out2);
    if (!reserve(&k->best, 2 * size * sizeof(Best)) || !reserve(&k->out2, (count + 1) * sizeof(i64))) return NO_MEMORY;
    Best *best = (Best *)k->best.at, *shown = best + size; /* in order, best first */
    i64 *weights = (i64 *)k->out2.at; /* of the candidates that are one word */
    for (size_t i = 0; i < count; i++) {
        if (found[i].tokens > 1) continue;
        Stem *stem = &stems[tokens[found[i].token].number];
        if (stem->table != k->table) {
            stem->df = df_of(f, stem->hash);
            stem->table = k->table;
        }
        weights[i] = (found[i].weight < 4092 ? found[i].weight : 4092) * (most - log_of(f, stem->df + 1) + 369);
    }
    for (size_t i = 0; i < count; i++) {
        const Candidate *c = &found[i];
        if (c->generic || !c->weight || (long_text && c->tokens > 1 && !c->elsewhere)) continue;
        i64 words = 0;
        int connected = c->tokens == 3 && !(tokens[c->token + 1].flags & WORD); /* the connector has no weight */
        for (u32 w = 0; w < c->tokens; w++)
            if (w != 1 || !connected) words += weights[of_token[c->token + w]];
        i64 base = (c->weight < 4092 ? c->weight : 4092) * words * (c->whole ? 64 : 1);
        int best_length = c->tokens == 2 || (c->tokens == 1 && !(k->rules & ENGLISH));
        i64 divisor = (10 + c->first) * (best_length ? 1 : 2) * (c->length <= 3 && !(k->rules & SHORT) ? 4 : 1);
        if (n == size && ((base * (most + 185)) << 4) / divisor < best[n - 1].score) continue; /* at df 1, the most it can be */
        i64 df = c->tokens == 1 ? stems[tokens[c->token].number].df : df_of(f, c->hash);
        Best it = {((base * (most - log_of(f, df) + 185)) << 4) / divisor, c->tf, df, c->first, c->token, c->hash, c->tokens};
        if (n == size) {
            if (!better(&it, &best[n - 1])) continue;
            n--;
        }
        size_t j = n++;
        for (; j && better(&it, &best[j - 1]); j--) best[j] = best[j - 1];
        best[j] = it;
    }
    n = without_parts(k, shown, merge_fragments(k, best, n, shown), (size_t)f->top, site);
    clear(&k->out);
    if (n && !put_long(&k->out, (i64)n)) return NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const Best *it = &shown[i];
        const Token *form = usual_form(k, it);
        Bytes *b = &k->postings[f->bits ? it->hash >> (64 - f->bits) : 0];
        if (!put_phrase(k, &k->out, form, it->tokens) || !put_stems(k, &k->out, it) || !put_long(&k->out, it->score) ||
            !put_long(&k->out, it->tf) || !put_long(&k->out, it->df < f->pages ? it->df : f->pages) || !put_stems(k, b, it) ||
            !put_phrase(k, b, form, it->tokens) || !put_long(b, it->score) || !put_string(b, url, url_size))
            return NO_MEMORY;
    }
    if (!put_long(&k->out, 0)) return NO_MEMORY;
    return (i64)k->out.size;
}

/* ---- the index ------------------------------------------------------------------------------------------------ */

typedef struct { const u8 *at; size_t size; } Text;
typedef struct { Text stems, phrase, url; i64 score; } Posting;

static i64 get_long(const u8 **s) {
    u64 z = 0;
    for (int shift = 0;; shift += 7) {
        u8 byte = *(*s)++;
        z |= (u64)(byte & 0x7f) << shift;
        if (byte < 0x80) return (i64)(z >> 1) ^ -(i64)(z & 1);
    }
}

static Text get_text(const u8 **s) {
    Text text;
    text.size = (size_t)get_long(s);
    text.at = *s;
    *s += text.size;
    return text;
}

static int compare_text(Text a, Text b) {
    int order = memcmp(a.at, b.at, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_postings(const void *x, const void *y) {
    const Posting *a = x, *b = y;
    int order = compare_text(a->stems, b->stems);
    if (!order) order = (a->score < b->score) - (a->score > b->score);
    if (!order) order = compare_text(a->url, b->url);
    return order ? order : compare_text(a->phrase, b->phrase);
}

/* The form that most of the postings of a keyword have; the first of several such. Only the first forms are counted. */
static Text usual_text(const Posting *postings, size_t n) {
    struct { Text form; size_t count; } forms[INDEX_FORMS];
    size_t count = 0, chosen = 0;
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < count && compare_text(forms[j].form, postings[i].phrase)) j++;
        if (j == INDEX_FORMS) continue;
        if (j == count) {
            forms[j].form = postings[i].phrase;
            forms[j].count = 0;
            count++;
        }
        forms[j].count++;
    }
    for (size_t j = 1; j < count; j++)
        if (forms[j].count > forms[chosen].count) chosen = j;
    return forms[chosen].form;
}

/* The rows of the index, from a bucket's postings: IndexRow after IndexRow in kernel_out, where each ends (u64) in kernel_out2.
   Returns how many; `keywords` is set to the number of different ones. */
EXPORT i64 kernel_rank(Kernel *k, const u8 *s, i64 size, i64 *keywords) {
    Bytes some = {0};
    for (const u8 *at = s, *end = s + size; at < end;) {
        Posting p;
        p.stems = get_text(&at);
        p.phrase = get_text(&at);
        p.score = get_long(&at);
        p.url = get_text(&at);
        if (!append(&some, &p, sizeof p)) {
            free(some.at);
            return NO_MEMORY;
        }
    }
    size_t n = some.size / sizeof(Posting);
    Posting *postings = (Posting *)some.at;
    if (n) qsort(postings, n, sizeof(Posting), compare_postings);
    clear(&k->out);
    clear(&k->out2);
    *keywords = 0;
    i64 rank = 0;
    Text shown = {0};
    int ok = 1;
    for (size_t i = 0; i < n && ok; i++) {
        if (!i || compare_text(postings[i].stems, postings[i - 1].stems)) {
            rank = 0;
            size_t end = i + 1;
            while (end < n && !compare_text(postings[i].stems, postings[end].stems)) end++;
            shown = usual_text(&postings[i], end - i);
            ++*keywords;
        }
        ok = put_string(&k->out, postings[i].stems.at, postings[i].stems.size) &&
             put_string(&k->out, shown.at, shown.size) && put_long(&k->out, ++rank) && put_long(&k->out, postings[i].score) &&
             put_string(&k->out, postings[i].url.at, postings[i].url.size);
        u64 end = k->out.size;
        ok = ok && append(&k->out2, &end, sizeof end);
    }
    free(some.at);
    return ok ? (i64)n : NO_MEMORY;
}

/* ---- the words of an index ------------------------------------------------------------------------------------ */

typedef struct { u32 page, at; } Seen;
typedef struct { i32 token, count; } Counted;

static int count_token(Kernel *k, i32 token, i32 weight) {
    size_t size = ((size_t)token + 1) * sizeof(Seen);
    if (k->seen.size < size) {
        if (!reserve(&k->seen, size - k->seen.size)) return 0;
        memset(k->seen.at + k->seen.size, 0, size - k->seen.size);
        k->seen.size = size;
    }
    Seen *seen = (Seen *)k->seen.at + token;
    if (seen->page == k->page_of_index) {
        ((Counted *)k->counted.at)[seen->at].count += weight;
        return 1;
    }
    *seen = (Seen){k->page_of_index, (u32)(k->counted.size / sizeof(Counted))};
    Counted new = {token, weight};
    return append(&k->counted, &new, sizeof new);
}

/* The tokens of the text at hand in their order, in kernel_out: its size is returned. The words were learned by kernel_learn; the
   stem of each is its tokens, with spaces between them, whose numbers end at ends[number of the word], where those of the next
   word start. Between those of two lines is `between`. In kernel_index_counts (`count` of them) is each token once, with the sum of the
   weights where it is: in the first line, in a strong block, or in a weak one; the last weight is that of `more` tokens, which are
   not in the text. */
EXPORT i64 kernel_index(Kernel *k, const i32 *ids, const u32 *ends, const char *between, const i32 *weights, const i32 *more, i64 n, i64 *count) {
    const Token *tokens = (const Token *)k->tokens.at, *end = tokens + k->tokens.size / sizeof(Token);
    clear(&k->out);
    clear(&k->counted);
    k->page_of_index++;
    const u8 *first = memchr(k->text, '\n', end > tokens ? end[-1].end : 0); /* the end of the first line */
    size_t last = 0;
    for (const Token *t = tokens; t < end; t++) {
        if (t->number <= STOPWORD) continue;
        if (k->out.size) {
            int same_line = !memchr(k->text + last, '\n', t->start - last);
            if (!append(&k->out, same_line ? " " : between, same_line ? 1 : strlen(between))) return NO_MEMORY;
        }
        last = t->end;
        const Stem *stem = (const Stem *)k->stems.at + t->number;
        if (!append(&k->out, k->stem_text.at + stem->at, stem->size)) return NO_MEMORY;
        i32 weight = weights[!first || k->text + t->start < first ? 0 : t->flags & STRONG ? 1 : 2];
        for (u32 i = ends[t->number - 1]; i < ends[t->number]; i++)
            if (!count_token(k, ids[i], weight)) return NO_MEMORY;
    }
    for (i64 i = 0; i < n; i++)
        if (!count_token(k, more[i], weights[3])) return NO_MEMORY;
    *count = (i64)(k->counted.size / sizeof(Counted));
    return (i64)k->out.size;
}

EXPORT const Counted *kernel_index_counts(Kernel *k) { return (const Counted *)k->counted.at; }
