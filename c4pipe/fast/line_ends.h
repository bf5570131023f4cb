/* Where lines may end, in 64 bytes of UTF-8 at a time, and which of these places need a look. Ways of telling may
   differ in which lines are counted without one, but all that must have it are noted. */
#ifndef C4PIPE_LINE_ENDS_H
#define C4PIPE_LINE_ENDS_H

#include "line_vectors.h"

#define LINE_STOPS 64 /* blocks noted at once, at most */

/* Texts follow each other, and may lie far away. */
#if defined(__GNUC__)
#define FETCH_LINES(p) __builtin_prefetch((p) + 2048)
#else
#define FETCH_LINES(p) ((void)(p))
#endif

/* 64 bytes that need a look: lines may end there that do, or that something else than a line feed ends. */
typedef struct {
    const uint8_t *at, *begin; /* behind the last line feed before */
    uint64_t stops, feeds; /* what needs the look, and all line feeds */
    ptrdiff_t passed; /* lines before that need none */
} LineStops;

typedef struct {
    const uint8_t *next, *end; /* of the text: what is to be gone through */
    const uint8_t *begin;
    ptrdiff_t passed;
    int listed; /* the byte before the next */
    int count;
    LineStops noted[LINE_STOPS + 1]; /* what is written behind the last counts for nothing */
} LineScan;

/* What a line has that needs no look, and how lines are scanned for that here. */
typedef struct LineEnds {
    uint8_t listed[256]; /* bytes that its line feed is not behind */
    uint8_t halves[128]; /* the same by 7 bits: the highest is set for a byte that is ASCII, the next for another */
    uint8_t quarters[2][16]; /* the same by the lower 4 bits: for bytes that are ASCII and others, a bit for each */
    ptrdiff_t limit; /* bytes that it has at most, 128 or more */
    void (*scan)(LineScan *scan, const struct LineEnds *ends);
} LineEnds;

/* Note the block, which counts if something there needs a look; how many then. Written in any case, as no processor
   foresees which do. */
static inline int line_note(LineStops *noted, const uint8_t *at, const uint8_t *begin, uint64_t stops, uint64_t feeds,
                            ptrdiff_t passed) {
    noted->at = at;
    noted->begin = begin;
    noted->stops = stops;
    noted->feeds = feeds;
    noted->passed = passed;
    return stops != 0;
}

#if defined(__SSE2__) || defined(_M_X64)

static inline uint64_t is_control_16(const uint8_t *p) { return mask_16(IS_UP_TO(LOAD(p), 31)); }

/* Where U+0085, U+2028 or U+2029 begins; reads 18 bytes. */
static inline uint64_t wide_ends_16(const uint8_t *p) {
    __m128i v = LOAD(p), second = LOAD(p + 1), third = LOAD(p + 2);
    __m128i next = _mm_and_si128(IS(v, 0xC2), IS(second, 0x85));
    __m128i separator = _mm_and_si128(_mm_and_si128(IS(v, 0xE2), IS(second, 0x80)), IS_BETWEEN(third, 0xA8, 0xA9));
    return mask_16(_mm_or_si128(next, separator));
}

/* A bit for each of 64 bytes at which a line may end: all below space, and where a wide end begins; reads 66 bytes. */
static inline uint64_t possible_ends_64(const uint8_t *p) {
    uint64_t bits = is_control_16(p) | is_control_16(p + 16) << 16;
    bits |= is_control_16(p + 32) << 32 | is_control_16(p + 48) << 48;
    if (mask_16(_mm_or_si128(_mm_or_si128(LOAD(p), LOAD(p + 16)), _mm_or_si128(LOAD(p + 32), LOAD(p + 48)))))
        bits |= wide_ends_16(p) | wide_ends_16(p + 16) << 16 | wide_ends_16(p + 32) << 32 | wide_ends_16(p + 48) << 48;
    return bits;
}

#else

static inline uint64_t possible_ends_64(const uint8_t *p) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) {
        int wide = (p[i] == 0xC2 && p[i + 1] == 0x85) || (p[i] == 0xE2 && p[i + 1] == 0x80 && (p[i + 2] | 1) == 0xA9);
        bits |= (uint64_t)(p[i] < 32 || wide) << i;
    }
    return bits;
}

#endif

static void line_scan_anywhere(LineScan *scan, const LineEnds *ends) {
    uint8_t rest[66];
    for (scan->count = 0; scan->next < scan->end && scan->count < LINE_STOPS;) {
        const uint8_t *p = scan->next, *begin = scan->begin;
        ptrdiff_t left = scan->end - p, passed = scan->passed;
        FETCH_LINES(p);
        if (left < 66) {
            memset(rest, ' ', sizeof(rest));
            memcpy(rest, p, left);
        }
        uint64_t possible = possible_ends_64(left < 66 ? rest : p), stops = 0, feeds = 0;
        for (uint64_t bits = possible; bits; bits &= bits - 1) {
            const uint8_t *at = p + lowest_bit(bits);
            int feed = *at == '\n', listed = at > p ? ends->listed[at[-1]] : scan->listed;
            if (!feed || listed || at - scan->begin > ends->limit) stops |= bits & (0 - bits);
            else scan->passed++;
            if (!feed) continue;
            feeds |= bits & (0 - bits);
            scan->begin = at + 1;
        }
        scan->count += line_note(&scan->noted[scan->count], p, begin, stops, feeds, passed);
        scan->next += left < 64 ? left : 64;
        scan->listed = ends->listed[scan->next[-1]];
    }
}

#if defined(__GNUC__) && defined(__x86_64__)

/* Of line feeds, what is listed, and other ends; a block's first line feed may end a line that is too long. */
#define LINE_NOTE_BLOCK \
    uint64_t stops = (feeds & (listed << 1 | before)) | others; \
    before = listed >> 63; \
    if (p - begin > far) stops |= feeds & (0 - feeds); \
    noted += line_note(noted, p, begin, stops, feeds, passed); \
    passed += __builtin_popcountll(feeds & ~stops); \
    begin = feeds ? p + 64 - __builtin_clzll(feeds) : begin;
#define LINE_LEAVE \
    scan->next = p < end ? p : end; \
    scan->begin = begin; \
    scan->listed = (int)before; \
    scan->passed = passed; \
    scan->count = (int)(noted - scan->noted);

LINES_AVX2
static inline uint64_t line_listed_32(__m256i v, const LineEnds *ends) {
    __m256i low = _mm256_and_si256(v, _mm256_set1_epi8(15));
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));
    __m256i bit = _mm256_shuffle_epi8(_mm256_set1_epi64x((long long)0x8040201008040201), high);
    __m256i bits = _mm256_blendv_epi8(_mm256_shuffle_epi8(LOAD_TWICE(ends->quarters[0]), low),
                                      _mm256_shuffle_epi8(LOAD_TWICE(ends->quarters[1]), low), v);
    return mask_32(_mm256_cmpeq_epi8(_mm256_and_si256(bits, bit), bit));
}

LINES_AVX2
static inline uint64_t line_others_32(const uint8_t *p) {
    __m256i v = LOAD_32(p), second = LOAD_32(p + 1), third = _mm256_or_si256(LOAD_32(p + 2), _mm256_set1_epi8(1));
    __m256i next = _mm256_and_si256(IS_32(v, 0xC2), IS_32(second, 0x85));
    __m256i separator = _mm256_and_si256(_mm256_and_si256(IS_32(v, 0xE2), IS_32(second, 0x80)), IS_32(third, 0xA9));
    return mask_32(_mm256_or_si256(_mm256_or_si256(next, separator), IS_UP_TO_32(v, 31)));
}

LINES_AVX2
static void line_scan_by_avx2(LineScan *scan, const LineEnds *ends) {
    uint8_t rest[66];
    const uint8_t *p = scan->next, *end = scan->end, *begin = scan->begin;
    uint64_t before = scan->listed;
    ptrdiff_t passed = scan->passed, far = ends->limit - 64;
    LineStops *noted = scan->noted;
    for (; p < end && noted < scan->noted + LINE_STOPS; p += 64) {
        const uint8_t *at = p;
        FETCH_LINES(p);
        if (end - p < 66) {
            memset(rest, ' ', sizeof(rest));
            memcpy(rest, p, end - p);
            at = rest;
        }
        __m256i low = LOAD_32(at), high = LOAD_32(at + 32);
        uint64_t listed = line_listed_32(low, ends) | line_listed_32(high, ends) << 32;
        uint64_t feeds = mask_32(IS_32(low, '\n')) | mask_32(IS_32(high, '\n')) << 32;
        uint64_t others = (line_others_32(at) | line_others_32(at + 32) << 32) & ~feeds;
        LINE_NOTE_BLOCK
    }
    LINE_LEAVE
}

LINES_AVX512
static void line_scan_by_avx512(LineScan *scan, const LineEnds *ends) {
    const uint8_t *p = scan->next, *end = scan->end, *begin = scan->begin;
    __m512i low = _mm512_loadu_si512(ends->halves), high = _mm512_loadu_si512(ends->halves + 64);
    uint64_t before = scan->listed;
    ptrdiff_t passed = scan->passed, far = ends->limit - 64;
    LineStops *noted = scan->noted;
    for (; p < end && noted < scan->noted + LINE_STOPS; p += 64) {
        FETCH_LINES(p);
        LineBytes bytes = end - p < 66 ? line_last_bytes(p, end - p) : line_bytes(p);
        __m512i v = bytes.first, halves = _mm512_permutex2var_epi8(low, v, high);
        __m512i wide = _mm512_add_epi8(halves, halves); /* the next bit as the highest */
        uint64_t listed = _mm512_movepi8_mask(_mm512_ternarylogic_epi64(v, wide, halves, 0xCA)); /* v ? wide : halves */
        uint64_t feeds = LINE_IS(v, '\n'), others = _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(' ')) & ~feeds;
        others |= LINE_IS_IF(LINE_IS(v, 0xC2), bytes.second, 0x85);
        __mmask64 separators = LINE_IS_IF(LINE_IS(v, 0xE2), bytes.second, 0x80);
        others |= LINE_IS_IF(separators, _mm512_or_si512(bytes.third, _mm512_set1_epi8(1)), 0xA9);
        LINE_NOTE_BLOCK
    }
    LINE_LEAVE
}

#endif

/* Once it is said what is listed and what the limit is: by vectors of at most so many bytes. */
static void line_ends_prepare(LineEnds *ends, int lanes) {
    for (int byte = 0; byte < 128; byte++) ends->halves[byte] = ends->listed[byte] << 7 | ends->listed[byte | 128] << 6;
    memset(ends->quarters, 0, sizeof(ends->quarters));
    for (int byte = 0; byte < 256; byte++)
        ends->quarters[byte >> 7][byte & 15] |= ends->listed[byte] << (byte >> 4 & 7);
    lanes = line_lanes(lanes);
    ends->scan = line_scan_anywhere;
#if defined(__GNUC__) && defined(__x86_64__)
    if (lanes >= 32) ends->scan = lanes >= 64 ? line_scan_by_avx512 : line_scan_by_avx2;
#endif
}

/* Note blocks until the text ends or there are many. */
static inline void line_scan(LineScan *scan, const LineEnds *ends) { ends->scan(scan, ends); }

#endif
