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

enum { LETTER = 1, SPACE = 2, SCRIPT = 0x30, HAN = 0x10, CLASSIFIED = 0x80 }; /* the class of a character */
enum { BREAK = 0, STOPWORD = 1 };                                             /* numbers of tokens that end a run */

typedef struct { u32 start, end; i64 number; } Token;
typedef struct { u64 key; u32 at, size; i64 number; } Entry; /* of the vocabulary: a token as it is written */
typedef struct { u64 hash; u32 at, size, characters; i64 df; u32 table; } Stem;
typedef struct { u64 hash; u32 count, page; } Count;
typedef struct { u64 hash; i64 tf, first, token; u32 words, length, whole; } Candidate;
typedef struct { i64 score, tf, df, first, token; u64 hash; u32 words; } Best;

typedef struct {
    u8 *classes; /* of each character */
    /* the vocabulary */
    Entry *entries;
    size_t entry_slots, entry_count;
    Bytes spellings, stem_text, stems; /* stems: Stem by number */
    Bytes stopwords, stop_slots, endings;
    Bytes unknown;                     /* Token: those of the text at hand that are new */
    /* the text at hand */
    const u8 *text;
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
} Kernel;

EXPORT void kernel_free(Kernel *k) {
    if (!k) return;
    Bytes *all[] = {&k->spellings, &k->stem_text, &k->stems, &k->unknown, &k->tokens, &k->candidates,
                    &k->slots,     &k->of_token,  &k->best,  &k->out,     &k->out2,   &k->stopwords, &k->stop_slots,
                    &k->endings};
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
    k->spellings.size = k->stem_text.size = k->unknown.size = 0;
    k->stems.size = 0;
    Stem none[2] = {{0}, {0}};
    return append(&k->stems, none, sizeof none) ? 0 : NO_MEMORY;
}

EXPORT Kernel *kernel_new(void) {
    Kernel *k = calloc(1, sizeof(Kernel));
    if (!k) return NULL;
    k->table = 1; /* 0 is no table */
    k->classes = calloc(0x110000, 1); /* pages of it that no character needs are never touched */
    if (!k->classes || kernel_forget(k) < 0) {
        kernel_free(k);
        return NULL;
    }
    return k;
}

EXPORT u8 *kernel_classes(Kernel *k) { return k->classes; }
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

/* Of up to 8 bytes, no two spellings of a size have the same key: each step can be undone. */
static u64 spelling_key(const u8 *s, size_t n) {
    u64 key = n * 0x9E3779B97F4A7C15u;
    for (; n > 8; s += 8, n -= 8) key = (key ^ load(s, 8)) * 0xBF58476D1CE4E5B9u, key ^= key >> 29;
    key = (key ^ load(s, n)) * 0x94D049BB133111EBu;
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
        {4, "role", 1}, {6, "hidden", 1}, {11, "aria-hidden", 1}, {4, "name", 0}, {7, "content", 0}, {4, "type", 0},
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
    memcpy(m->to, from, to - from);
    m->to += to - from;
    return to;
}

/* Writes a tag (or what looks like one): marked, and nothing else. Returns up to where it is written. */
static const u8 *write_as_it_is(Markup *m, const u8 *tag, int marked) {
    if (marked) *m->to++ = '\f';
    *m->to++ = '<';
    return tag + 1;
}

/* The same, and all that follows. */
static const u8 *give_up(Markup *m, const u8 *tag, int marked) {
    put_back(m);
    m->as_it_is = m->end;
    return write_as_it_is(m, tag, marked);
}

/* Writes what starts at a `<`, as far as a parser needs it. Returns up to where that is done. */
static const u8 *write_tag(Markup *m, const u8 *tag, const Name *known, int marked) {
    const u8 *end = m->end, *next = tag + 1, *after;
    u8 c = next < end ? *next : 0;
    int closes = c == '/', says = 0;
    const u8 *name = next + closes;
    u8 first = name < end ? lower(*name) : 0;
    if (c == '!' && end - next >= 3 && next[1] == '-' && next[2] == '-') {
        if (m->svg || !(after = comment_end(tag, end))) return give_up(m, tag, marked);
        memcpy(m->to, "<!---->", 7); /* never more than what it stands for: the shortest is <!--> */
        if (after - tag < 7) memcpy(m->to, tag, after - tag);
        m->to += after - tag < 7 ? after - tag : 7;
        return after;
    }
    if (c == '!' || c == '?' || (closes && !(first >= 'a' && first <= 'z'))) { /* a doctype, or taken for a comment */
        put_back(m);
        after = name < end ? memchr(name, '>', end - name) : NULL;
        if (m->svg || !after) return give_up(m, tag, marked);
        return copy_to(m, write_as_it_is(m, tag, marked), after + 1);
    }
    if (!(first >= 'a' && first <= 'z')) { /* a mere < */
        m->text++;
        return write_as_it_is(m, tag, marked);
    }
    const u8 *name_end = name;
    while (name_end < end && !ends_name(*name_end) && *name_end != '<') name_end++;
    int kind = known ? known->kind : 0, is_inline = known && known->inline_;
    if (m->svg || kind & (SPECIAL | SVG) || is_at(name, end, "plaintext")) {
        after = attributes(name_end, end, NULL, &says);
        if (!after || !(kind & (PARTLY | DRAWING)) || (!m->svg && closes)) return give_up(m, tag, marked);
        put_back(m);
        if (kind & SVG && !(says & EMPTY)) m->svg += closes ? -1 : 1;
        if (kind & PARTLY && !closes) {
            const u8 *then = memchr(after, '<', end - after);
            size_t size = name_end - name;
            if (says & EMPTY || !then || (size_t)(end - then) < size + 3 || then[1] != '/') return give_up(m, tag, marked);
            for (size_t i = 0; i < size; i++)
                if (lower(then[2 + i]) != lower(name[i])) return give_up(m, tag, marked);
        }
        return copy_to(m, write_as_it_is(m, tag, marked), after);
    }
    if (is_inline && closes) {
        if (!(after = attributes(name_end, end, NULL, &says))) return give_up(m, tag, marked);
        if (m->count && m->open[m->count - 1].name == known && m->open[m->count - 1].text < m->text && !unfinished(m)) {
            m->count--;
            return after;
        }
        put_back(m);
        return copy_to(m, write_as_it_is(m, tag, marked), after);
    }
    if (is_inline) {
        if (!(after = attributes(name_end, end, NULL, &says))) return give_up(m, tag, marked);
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
            m->open[m->count++] = (Open){known, tag, after - tag, m->to - m->start, m->text};
            return after;
        }
        put_back(m);
        m->kept[known - names] = 1;
        return copy_to(m, write_as_it_is(m, tag, marked), after);
    }
    put_back(m);
    if (m->select && kind & RAW && !closes && lower(*name) != 's') return give_up(m, tag, marked);
    u8 *before = m->to;
    copy_to(m, write_as_it_is(m, tag, marked), name_end);
    if (!(after = attributes(name_end, end, closes ? NULL : &m->to, &says))) {
        m->to = before;
        return give_up(m, tag, marked);
    }
    *m->to++ = '>';
    if (kind & (ROWS | CELL)) m->rows = closes ? !(kind & TABLE) : !(kind & CELL);
    if (kind & SELECT) m->select = !closes;
    if (kind & BODY && !closes) m->body = 1;
    if (kind & RAW && !closes) {
        const u8 *rest = raw_end(after, end, name, name_end - name);
        if (!rest || (m->select && lower(name[1]) != 'c')) {
            m->to = before;
            return give_up(m, tag, marked);
        }
        if (!(kind & TITLE)) return rest;
        m->as_it_is = rest;
    }
    return after;
}

/* Marks each tag that is not inline by a form feed before it; other form feeds become spaces. Leaves out what makes no difference.
   found: tags, closing tags, flat start tags, and bits: elements that are present, then 'keyw', 'role' and 'hidd' (any case) at
   bits 60, 61, 62. Returns the size of the result, in kernel_out. */
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
        int closes = at < end && *at == '/', marked = 0;
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
            marked = !(known && known->inline_ && name < end);
        }
        if (tag >= done) done = tag < m.as_it_is ? write_as_it_is(&m, tag, marked) : write_tag(&m, tag, known, marked);
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
    bits |= (u64)has(s, end, "keyw") << 60 | (u64)has(s, end, "role") << 61 | (u64)has(s, end, "hidd") << 62;
    found[0] = tags;
    found[1] = closing;
    found[2] = flats;
    found[3] = bits;
    k->out.size = m.to - k->out.at;
    return (i64)k->out.size;
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

/* Blocks that end in form feeds as lines: white space collapsed, empty ones dropped, control characters and soft hyphens
   gone. NEEDS_PYTHON if `cleaned` is 0 and there is a character for which Unicode's normal form must be thought of. */
EXPORT i64 kernel_blocks(Kernel *k, const u8 *s, i64 size, int cleaned) {
    clear(&k->out);
    if (!reserve(&k->out, (size_t)size + 1)) return NO_MEMORY;
    u8 *start = k->out.at, *to = start;
    int gap = 0; /* what is due before the next character: 1 a space, 2 a new line */
    for (size_t at = 0; at < (size_t)size;) {
        size_t from = at;
        u32 c = s[at];
        if (c > ' ' && c < 0x7f) {
            if (gap && to > start) *to++ = gap == 2 ? '\n' : ' ';
            gap = 0;
            do *to++ = (u8)c;
            while (++at < (size_t)size && (c = s[at]) > ' ' && c < 0x7f);
            continue;
        }
        c = character(s, &at);
        if (c == '\f') {
            gap = 2;
        } else if (is_space(c)) {
            if (!cleaned && (c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x3000)) return NEEDS_PYTHON; /* as clean() has it */
            gap |= gap == 0;
        } else if (c >= 0x20 && (c < 0x7f || c > 0x9f) && c != 0xad) {
            if (!cleaned && c > 0x2ff &&
                !((c >= 0x2010 && c <= 0x20cf) || (c >= 0x2190 && c <= 0x2328) || (c >= 0x232b && c <= 0x2adb) ||
                  (c >= 0x2add && c <= 0x2bff)))
                return NEEDS_PYTHON;
            if (gap && to > start) *to++ = gap == 2 ? '\n' : ' ';
            gap = 0;
            while (from < at) *to++ = s[from++];
        }
    }
    k->out.size = to - start;
    return (i64)k->out.size;
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

/* BLAKE2b's first 8 bytes, of up to 128 bytes of message (RFC 7693). */
static u64 blake2b_8(const u8 *s, size_t n) {
    static const u64 iv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                              0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
    static const u8 sigma[10][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
    u64 m[16] = {0}, v[16];
    memcpy(m, s, n);
    memcpy(v, iv, sizeof iv);
    memcpy(v + 8, iv, sizeof iv);
    u64 h = v[0] ^= 0x01010008; /* 8 bytes of hash, no key, sequential */
    v[12] ^= n;
    v[14] = ~v[14]; /* the last block */
#define TURN(x, by) ((x) >> (by) | (x) << (64 - (by)))
#define G(a, b, c, d, x, y)                                                                                                    \
    v[a] += v[b] + (x), v[d] = TURN(v[d] ^ v[a], 32), v[c] += v[d], v[b] = TURN(v[b] ^ v[c], 24), v[a] += v[b] + (y),          \
        v[d] = TURN(v[d] ^ v[a], 16), v[c] += v[d], v[b] = TURN(v[b] ^ v[c], 63)
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
    return h ^ v[0] ^ v[8];
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

/* The stopwords: words, then endings of words; each is followed by a line's end, and the lists by another. In ASCII only. */
EXPORT int kernel_stopwords(Kernel *k, const char *lists) {
    const char *second = strstr(lists, "\n\n");
    size_t n = second - lists + 1;
    k->stopwords.size = 0;
    k->endings.size = 0;
    size_t slots = 64;
    for (size_t i = 0; i < n; i++) slots += 4 * (lists[i] == '\n');
    while (slots & (slots - 1)) slots++;
    if (!append(&k->endings, second + 2, strlen(second + 2) + 1) || !append(&k->stopwords, lists, n) ||
        !reserve(&k->stop_slots, slots * sizeof(u32)))
        return NO_MEMORY;
    k->stop_slots.size = slots * sizeof(u32);
    memset(k->stop_slots.at, 0, k->stop_slots.size);
    for (size_t start = 0, end; start < n; start = end + 1) {
        end = (const u8 *)memchr(k->stopwords.at + start, '\n', n - start) - k->stopwords.at;
        size_t i = spelling_key(k->stopwords.at + start, end - start) & (slots - 1);
        u32 *slot = (u32 *)k->stop_slots.at;
        while (slot[i]) i = (i + 1) & (slots - 1);
        slot[i] = (u32)start + 1;
    }
    return 0;
}

static int is_stopword(Kernel *k, const u8 *s, size_t n) {
    size_t mask = k->stop_slots.size / sizeof(u32) - 1;
    const u32 *slot = (const u32 *)k->stop_slots.at;
    for (size_t i = spelling_key(s, n) & mask; slot[i]; i = (i + 1) & mask) {
        const u8 *word = k->stopwords.at + slot[i] - 1; /* a line's end follows each, so reading no further than that is safe */
        size_t j = 0;
        while (j < n && word[j] == s[j]) j++;
        if (j == n && word[j] == '\n') return 1;
    }
    for (const char *ending = (const char *)k->endings.at; *ending;) {
        size_t size = strchr(ending, '\n') - ending;
        if (size <= n && !memcmp(s + n - size, ending, size)) return 1;
        ending += size + 1;
    }
    return 0;
}

/* The number of a word in ASCII that is new: its own, unless it is a break. NO_MEMORY if there is none. */
static i64 number_of(Kernel *k, const u8 *s, size_t n) {
    int letters = 0, digits = 0;
    Word w;
    for (size_t i = 0; i < n; i++) {
        u8 c = s[i];
        int upper = c >= 'A' && c <= 'Z';
        letters |= upper || (c >= 'a' && c <= 'z');
        digits |= c >= '0' && c <= '9';
        if (i < 64) w.w[i] = (char)(upper ? c + 32 : c);
    }
    if (!letters && !digits) return BREAK;
    if (n > 64 || !letters || is_stopword(k, (const u8 *)w.w, n)) return STOPWORD;
    if (n > 2 && w.w[n - 2] == '\'' && w.w[n - 1] == 's') n -= 2;
    char word[64];
    memcpy(word, w.w, n);
    w.n = (int)n;
    stem(&w);
    if (!w.n) { /* nothing left: the word stays */
        memcpy(w.w, word, n);
        w.n = (int)n;
    }
    Stem new = {blake2b_8((const u8 *)w.w, w.n), (u32)k->stem_text.size, (u32)w.n, (u32)w.n, 0, 0};
    i64 number = (i64)(k->stems.size / sizeof(Stem));
    return append(&k->stem_text, w.w, w.n) && append(&k->stems, &new, sizeof new) ? number : NO_MEMORY;
}

/* ---- tokens --------------------------------------------------------------------------------------------------- */

static Entry *find_entry(Kernel *k, const u8 *s, size_t n) {
    u64 key = spelling_key(s, n);
    size_t mask = k->entry_slots - 1, i = key & mask;
    for (;; i = (i + 1) & mask) {
        Entry *e = &k->entries[i];
        if (!e->size) {
            e->key = key; /* for who fills it */
            return e;
        }
        if (e->key == key && e->size == n && (n <= 8 || !memcmp(k->spellings.at + e->at, s, n))) return e;
    }
}

static int grow_entries(Kernel *k) {
    size_t slots = k->entry_slots * 2;
    Entry *entries = calloc(slots, sizeof(Entry));
    if (!entries) return 0;
    for (size_t i = 0; i < k->entry_slots; i++) {
        if (!k->entries[i].size) continue;
        size_t j = k->entries[i].key & (slots - 1);
        while (entries[j].size) j = (j + 1) & (slots - 1);
        entries[j] = k->entries[i];
    }
    free(k->entries);
    k->entries = entries;
    k->entry_slots = slots;
    return 1;
}

static int add_word(Kernel *k, u32 start, u32 end, int ascii) {
    size_t n = end - start;
    Entry *e = find_entry(k, k->text + start, n);
    i64 number = e->number;
    if (!e->size) {
        Token new = {start, end, 0};
        number = ascii ? number_of(k, k->text + start, n) : -(i64)(k->unknown.size / sizeof new) - 1; /* until it is learned */
        if (ascii ? number < 0 : !append(&k->unknown, &new, sizeof new)) return 0;
        e->at = (u32)k->spellings.size;
        e->number = number;
        if (!append(&k->spellings, k->text + start, n)) return 0;
        e->size = (u32)n;
        if (2 * ++k->entry_count > k->entry_slots && !grow_entries(k)) return 0;
    }
    Token token = {start, end, number};
    return append(&k->tokens, &token, sizeof token);
}

/* Cuts a text into tokens, and gives them their numbers. The text must stay where it is until its candidates are found.
   Returns how many of its words are new: these are in kernel_unknown, and must be learned. If a character's class is not known,
   returns NEEDS_PYTHON - character. */
EXPORT i64 kernel_scan(Kernel *k, const u8 *s, i64 size) {
    if (k->unknown.size && kernel_forget(k) < 0) return NO_MEMORY; /* somebody was interrupted */
    k->text = s;
    clear(&k->tokens);
    const u8 *classes = k->classes;
    size_t n = (size_t)size, at = 0;
    int broken = 1; /* whether the last token is a break already */
    while (at < n) {
        size_t start = at;
        u32 c = character(s, &at);
        u8 class = classes[c];
        if (!(class & CLASSIFIED)) return NEEDS_PYTHON - (i64)c;
        if (!(class & LETTER)) {
            if (!broken && (c == '\n' || !(class & SPACE))) {
                Token token = {(u32)start, (u32)at, BREAK};
                if (!append(&k->tokens, &token, sizeof token)) return NO_MEMORY;
                broken = 1;
            }
            continue;
        }
        u8 script = class & SCRIPT;
        u32 all = c; /* the bits of all its characters */
        while (at < n) { /* as long as the next character is a letter that touches the one before */
            size_t next = at;
            u32 joined = 0;
            c = character(s, &next);
            class = classes[c];
            if (!(class & CLASSIFIED)) return NEEDS_PYTHON - (i64)c;
            if (class & LETTER) {
                if ((class & SCRIPT) != script || script == HAN) break;
            } else if ((c == '\'' || c == '-' || c == 0x2019) && !script && next < n) {
                joined = c;
                c = character(s, &next);
                class = classes[c];
                if (!(class & CLASSIFIED)) return NEEDS_PYTHON - (i64)c;
                if (!(class & LETTER) || class & SCRIPT) break;
            } else {
                break;
            }
            at = next;
            all |= c | joined;
        }
        if (!add_word(k, (u32)start, (u32)at, all < 0x80)) return NO_MEMORY;
        broken = 0;
    }
    return (i64)(k->unknown.size / sizeof(Token));
}

EXPORT const Token *kernel_unknown(Kernel *k) { return (const Token *)k->unknown.at; }

/* Learns the words that kernel_scan found to be new. kinds: BREAK, STOPWORD, or more for a word, which has a stem: its hash, its
   characters, and where its UTF-8 ends in `text` (it starts where the one before ends). */
EXPORT int kernel_learn(Kernel *k, const u8 *kinds, const u64 *hashes, const u32 *characters, const u32 *ends, const u8 *text) {
    Token *unknown = (Token *)k->unknown.at;
    size_t count = k->unknown.size / sizeof(Token);
    u32 start = 0;
    for (size_t i = 0; i < count; i++) {
        Token *token = &unknown[i];
        token->number = kinds[i];
        if (kinds[i] > STOPWORD) {
            token->number = (i64)(k->stems.size / sizeof(Stem));
            Stem stem = {hashes[i], (u32)k->stem_text.size, ends[i] - start, characters[i], 0, 0};
            if (!append(&k->stem_text, text + start, stem.size) || !append(&k->stems, &stem, sizeof stem)) return NO_MEMORY;
        }
        start = ends[i];
        find_entry(k, k->text + token->start, token->end - token->start)->number = token->number;
    }
    Token *tokens = (Token *)k->tokens.at;
    for (size_t i = 0; i < k->tokens.size / sizeof(Token); i++)
        if (tokens[i].number < 0) tokens[i].number = unknown[-tokens[i].number - 1].number;
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
    int run = 0;
    for (size_t i = 0; i < n; i++) {
        if (tokens[i].number <= STOPWORD) {
            run = 0;
            continue;
        }
        u64 word = stems[tokens[i].number].hash, two = 0;
        int ok = add_count(k, word, 1, page);
        if (run > 0) ok &= add_count(k, two = mix(before, word), 1, page);
        if (run > 1) ok &= add_count(k, mix(two_before, word), 1, page);
        if (!ok) return NO_MEMORY;
        before = word;
        two_before = two;
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
    return a->words < b->words; /* which is the order of their stems, as both start at the same word */
}

static int find_candidates(Kernel *k) {
    const Token *tokens = (const Token *)k->tokens.at;
    const Stem *stems = (const Stem *)k->stems.at;
    size_t n = k->tokens.size / sizeof(Token), words = 0;
    for (size_t i = 0; i < n; i++) words += tokens[i].number > STOPWORD;
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
        if (tokens[i].number <= STOPWORD) continue;
        int starts_run = i >= run_end;
        if (starts_run) {
            run_end = i;
            while (run_end < n && tokens[run_end].number > STOPWORD) run_end++;
        }
        u64 hash = 0;
        u32 length = 0;
        for (u32 w = 1; w <= 3 && i + w <= run_end; w++) {
            const Stem *stem = &stems[tokens[i + w - 1].number];
            hash = w == 1 ? stem->hash : mix(hash, stem->hash);
            length += stem->characters + (w > 1);
            size_t j = hash & (slots - 1);
            while (slot[j] && found[slot[j] - 1].hash != hash) j = (j + 1) & (slots - 1);
            if (!slot[j]) {
                slot[j] = (u32)++count;
                found[count - 1] = (Candidate){hash, 0, offset, (i64)i, w, length, 0};
            }
            Candidate *c = &found[slot[j] - 1];
            c->tf++;
            c->whole |= starts_run && i + w == run_end;
            if (w == 1) of_token[i] = slot[j] - 1;
        }
    }
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
    size_t size = best->words - 1;
    for (u32 w = 0; w < best->words; w++) size += stems[tokens[w].number].size;
    if (!put_long(b, (i64)size)) return 0;
    for (u32 w = 0; w < best->words; w++) {
        const Stem *stem = &stems[tokens[w].number];
        if ((w && !append(b, " ", 1)) || !append(b, k->stem_text.at + stem->at, stem->size)) return 0;
    }
    return 1;
}

/* A phrase as the page writes it, without zero-width spaces, as an Avro string. */
static int put_phrase(Kernel *k, Bytes *b, const Best *best) {
    const Token *tokens = (const Token *)k->tokens.at + best->token;
    const u8 *s = k->text + tokens[0].start, *end = k->text + tokens[best->words - 1].end;
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

/* The `top` best keywords of the text at hand, as an Avro array of Keyword, in kernel_out (its size is returned); each is also
   added to its bucket of postings, under the page's URL. */
EXPORT i64 kernel_score(Kernel *k, const Frequencies *f, const u8 *url, i64 url_size) {
    if (!find_candidates(k) || (!k->postings && kernel_start_postings(k, (int)f->bits) < 0)) return NO_MEMORY;
    const Token *tokens = (const Token *)k->tokens.at;
    const u32 *of_token = (const u32 *)k->of_token.at;
    Stem *stems = (Stem *)k->stems.at;
    const Candidate *found = (const Candidate *)k->candidates.at;
    size_t count = k->candidates.size / sizeof(Candidate), n = 0;
    i64 most = log_of(f, f->pages + 1);
    clear(&k->best);
    clear(&k->out2);
    if (!reserve(&k->best, (size_t)f->top * sizeof(Best)) || !reserve(&k->out2, (count + 1) * sizeof(i64))) return NO_MEMORY;
    Best *best = (Best *)k->best.at; /* in order, best first */
    i64 *weights = (i64 *)k->out2.at; /* of the candidates that are one word */
    for (size_t i = 0; i < count; i++) {
        if (found[i].words > 1) continue;
        Stem *stem = &stems[tokens[found[i].token].number];
        if (stem->table != k->table) {
            stem->df = df_of(f, stem->hash);
            stem->table = k->table;
        }
        weights[i] = (found[i].tf < 1023 ? found[i].tf : 1023) * (most - log_of(f, stem->df + 1) + 369);
    }
    for (size_t i = 0; i < count; i++) {
        const Candidate *c = &found[i];
        i64 tf = c->tf < 1023 ? c->tf : 1023, words = 0;
        for (u32 w = 0; w < c->words; w++) words += weights[of_token[c->token + w]];
        i64 base = tf * words * (c->whole ? 64 : 1);
        i64 divisor = (10 + c->first) * (c->words == 2 ? 1 : 2) * (c->length <= 3 ? 4 : 1);
        if (n && (i64)n == f->top && ((base * (most + 185)) << 8) / divisor < best[n - 1].score) continue; /* at df 1, the most it can be */
        i64 df = c->words == 1 ? stems[tokens[c->token].number].df : df_of(f, c->hash);
        Best it = {((base * (most - log_of(f, df) + 185)) << 8) / divisor, c->tf, df, c->first, c->token, c->hash, c->words};
        if ((i64)n >= f->top) {
            if (!n || !better(&it, &best[n - 1])) continue;
            n--;
        }
        size_t j = n++;
        for (; j && better(&it, &best[j - 1]); j--) best[j] = best[j - 1];
        best[j] = it;
    }
    clear(&k->out);
    if (n && !put_long(&k->out, (i64)n)) return NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        Bytes *b = &k->postings[f->bits ? best[i].hash >> (64 - f->bits) : 0];
        if (!put_phrase(k, &k->out, &best[i]) || !put_stems(k, &k->out, &best[i]) || !put_long(&k->out, best[i].score) ||
            !put_long(&k->out, best[i].tf) || !put_long(&k->out, best[i].df) || !put_stems(k, b, &best[i]) ||
            !put_phrase(k, b, &best[i]) || !put_long(b, best[i].score) || !put_string(b, url, url_size))
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
            shown = postings[i].phrase;
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
