/* Where lines may end, words begin and phrases be, in 64 bytes of UTF-8 at a time: by AVX-512 or AVX2 where the machine
   has enough of it, by SSE2, which every x86-64 has, else one by one; lines come to the same. */
#ifndef C4PIPE_LINES_H
#define C4PIPE_LINES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "processor.h"
#include "vectors.h"

/* Two bytes, each 16 times over, with 0x20 set. */
typedef struct {
    uint8_t first[16], second[16];
} BytePair;

#if defined(__SSE2__) || defined(_M_X64)

#define LOAD(p) _mm_loadu_si128((const __m128i *)(p))
#define IS(v, c) _mm_cmpeq_epi8(v, _mm_set1_epi8((char)(c)))
#define IS_UP_TO(v, c) _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8((char)(c))), v)
#define IS_BETWEEN(v, first, last) IS_UP_TO(_mm_sub_epi8(v, _mm_set1_epi8((char)(first))), (last) - (first))

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

static inline uint64_t is_blank_16(const uint8_t *p) {
    __m128i v = LOAD(p);
    return mask_16(_mm_or_si128(IS(v, ' '), _mm_or_si128(IS_BETWEEN(v, 9, 13), IS_BETWEEN(v, 28, 31))));
}

static inline uint64_t may_be_blank_16(const uint8_t *p) {
    __m128i v = LOAD(p);
    return mask_16(_mm_or_si128(IS(v, 0xC2), IS_BETWEEN(v, 0xE1, 0xE3)));
}

/* A bit for each of 64 bytes at which surely a word begins: the first or behind an ASCII blank, and no blank is there,
   nor a byte that may begin one. */
static inline uint64_t words_64(const uint8_t *p) {
    uint64_t blank = is_blank_16(p) | is_blank_16(p + 16) << 16 | is_blank_16(p + 32) << 32 | is_blank_16(p + 48) << 48;
    uint64_t unsure = may_be_blank_16(p) | may_be_blank_16(p + 16) << 16;
    unsure |= may_be_blank_16(p + 32) << 32 | may_be_blank_16(p + 48) << 48;
    return ~(blank | unsure) & (blank << 1 | 1);
}

/* A bit for each of 64 bytes that is one of these pairs with the byte behind it, 0x20 set in both; whether all are
   ASCII, and any "[" or "{"; reads 65 bytes. */
static inline uint64_t pairs_64(const uint8_t *p, const BytePair *pairs, int count, int *ascii, int *braces) {
    __m128i bytes[4], behind[4], found[4];
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++) {
        bytes[i] = _mm_or_si128(LOAD(p + 16 * i), _mm_set1_epi8(0x20));
        behind[i] = _mm_or_si128(LOAD(p + 16 * i + 1), _mm_set1_epi8(0x20));
        found[i] = _mm_setzero_si128();
    }
    for (const BytePair *pair = pairs; pair < pairs + count; pair++)
        for (int i = 0; i < 4; i++)
            found[i] = _mm_or_si128(found[i], _mm_and_si128(
                _mm_cmpeq_epi8(bytes[i], LOAD(pair->first)), _mm_cmpeq_epi8(behind[i], LOAD(pair->second))));
    for (int i = 0; i < 4; i++) bits |= (uint64_t)mask_16(found[i]) << 16 * i;
    *ascii &= !mask_16(_mm_or_si128(_mm_or_si128(bytes[0], bytes[1]), _mm_or_si128(bytes[2], bytes[3])));
    for (int i = 0; i < 4; i++) bytes[i] = IS(bytes[i], '{'); /* which is "[" with 0x20 set */
    *braces |= mask_16(_mm_or_si128(_mm_or_si128(bytes[0], bytes[1]), _mm_or_si128(bytes[2], bytes[3])));
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

static inline uint64_t words_64(const uint8_t *p) {
    uint64_t bits = 0;
    int blank = 1;
    for (int i = 0; i < 64; i++) {
        int behind_blank = blank;
        blank = p[i] == 32 || p[i] - 9u < 5 || p[i] - 28u < 4;
        bits |= (uint64_t)(behind_blank && !blank && p[i] != 0xC2 && p[i] - 0xE1u > 2) << i;
    }
    return bits;
}

static inline uint64_t pairs_64(const uint8_t *p, const BytePair *pairs, int count, int *ascii, int *braces) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) {
        *ascii &= p[i] < 0x80;
        *braces |= (p[i] | 0x20) == '{';
    }
    for (const BytePair *pair = pairs; pair < pairs + count; pair++)
        for (int i = 0; i < 64; i++)
            bits |= (uint64_t)((p[i] | 0x20) == pair->first[0] && (p[i + 1] | 0x20) == pair->second[0]) << i;
    return bits;
}

#endif

#define LINE_STOPS 64 /* blocks noted at once, at most */
#define LINE_BLOCKS 64 /* of 64 bytes, looked at at once */

/* Texts follow each other, and may lie far away. */
#if defined(__GNUC__)
#define FETCH_LINES(p) __builtin_prefetch((p) + 2048)
#else
#define FETCH_LINES(p) ((void)(p))
#endif

/* What a line has that needs no look. */
typedef struct {
    uint8_t listed[256]; /* bytes that its line feed is not behind */
    uint8_t halves[128]; /* the same by 7 bits: the highest is set for a byte that is ASCII, the next for another */
    uint8_t quarters[2][16]; /* the same by the lower 4 bits: for bytes that are ASCII and others, a bit for each */
    ptrdiff_t limit; /* bytes that it has at most, 128 or more */
} LineEnds;

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

/* Pairs of bytes that are looked for. The tables are for AVX-512, by 7 bits: what may be the first byte of some pairs,
   the second, and the one behind them, a bit for each lot of pairs; so, too, for what is of an odd case. */
typedef struct {
    BytePair pairs[64];
    int count;
    uint8_t tables[3][128];
} LinePairs;

#define LINE_LOTS 6
#define LINE_ODD 0x40
#define LINE_BRACES 0x80

/* What is seen in a part of a line. */
typedef struct {
    const uint8_t *next, *end;
    uint64_t words; /* places in the first 64 bytes where surely one begins */
    int all_words; /* none begins elsewhere */
    uint64_t blocks; /* of 64 bytes each, in which there may be pairs */
    uint64_t pairs[LINE_BLOCKS];
    int odd; /* there may be letters of an odd case */
    int braces; /* there may be "[" or "{" */
} LineLook;

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

/* Note blocks until the text ends or there are many. */
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

/* Go on until the line ends, or as far as there is room for what is found. */
static void line_look_anywhere(LineLook *look, const LinePairs *pairs) {
    uint8_t rest[65];
    int ascii = 1;
    look->braces = look->all_words = 0;
    look->words = look->blocks = 0;
    for (int block = 0; block < LINE_BLOCKS && look->next < look->end; block++) {
        const uint8_t *p = look->next;
        ptrdiff_t left = look->end - p;
        if (left < 65) {
            memset(rest, 0, sizeof(rest));
            memcpy(rest, p, left);
            p = rest;
        }
        look->pairs[block] = pairs_64(p, pairs->pairs, pairs->count, &ascii, &look->braces);
        if (left < 65) look->pairs[block] &= ((uint64_t)1 << (left - 1)) - 1;
        look->blocks |= (uint64_t)(look->pairs[block] != 0) << block;
        if (!block) {
            look->words = words_64(p) & (left < 64 ? ((uint64_t)1 << left) - 1 : ~(uint64_t)0);
            look->all_words = ascii && left <= 64;
        }
        look->next += left < 64 ? left : 64;
    }
    look->odd = !ascii;
}

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

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

#define LINES_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

#define LOAD_32(p) _mm256_loadu_si256((const __m256i *)(p))
#define LOAD_TWICE(p) _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(p)))
#define IS_32(v, c) _mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)(c)))
#define IS_UP_TO_32(v, c) _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8((char)(c))), v)
#define IS_BETWEEN_32(v, first, last) \
    IS_UP_TO_32(_mm256_sub_epi8(v, _mm256_set1_epi8((char)(first))), (last) - (first))

LINES_AVX2
static inline uint64_t mask_32(__m256i bytes) { return (uint32_t)_mm256_movemask_epi8(bytes); }

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

LINES_AVX2
static inline uint64_t line_blanks_32(__m256i v) {
    return mask_32(_mm256_or_si256(IS_32(v, ' '), _mm256_or_si256(IS_BETWEEN_32(v, 9, 13), IS_BETWEEN_32(v, 28, 31))));
}

LINES_AVX2
static inline uint64_t line_unsure_32(__m256i v) {
    return mask_32(_mm256_or_si256(IS_32(v, 0xC2), IS_BETWEEN_32(v, 0xE1, 0xE3)));
}

LINES_AVX2
static void line_look_by_avx2(LineLook *look, const LinePairs *pairs) {
    uint8_t rest[65];
    __m256i wide = _mm256_setzero_si256(), braces = wide;
    look->all_words = 0;
    look->words = look->blocks = 0;
    for (int block = 0; block < LINE_BLOCKS && look->next < look->end; block++) {
        const uint8_t *p = look->next;
        ptrdiff_t left = look->end - p;
        if (left < 65) {
            memset(rest, ' ', sizeof(rest));
            memcpy(rest, p, left);
            p = rest;
        }
        const __m256i lower = _mm256_set1_epi8(0x20);
        __m256i low = _mm256_or_si256(LOAD_32(p), lower), high = _mm256_or_si256(LOAD_32(p + 32), lower);
        __m256i low1 = _mm256_or_si256(LOAD_32(p + 1), lower), high1 = _mm256_or_si256(LOAD_32(p + 33), lower);
        __m256i in_low = _mm256_setzero_si256(), in_high = in_low;
        for (const BytePair *pair = pairs->pairs; pair < pairs->pairs + pairs->count; pair++) {
            __m256i first = LOAD_TWICE(pair->first), second = LOAD_TWICE(pair->second);
            in_low = _mm256_or_si256(in_low, _mm256_and_si256(_mm256_cmpeq_epi8(low, first),
                                                              _mm256_cmpeq_epi8(low1, second)));
            in_high = _mm256_or_si256(in_high, _mm256_and_si256(_mm256_cmpeq_epi8(high, first),
                                                                _mm256_cmpeq_epi8(high1, second)));
        }
        wide = _mm256_or_si256(wide, _mm256_or_si256(low, high));
        braces = _mm256_or_si256(braces, _mm256_or_si256(IS_32(low, '{'), IS_32(high, '{')));
        look->pairs[block] = mask_32(in_low) | mask_32(in_high) << 32;
        if (left < 65) look->pairs[block] = _bzhi_u64(look->pairs[block], (unsigned)(left - 1));
        look->blocks |= (uint64_t)(look->pairs[block] != 0) << block;
        if (!block) {
            uint64_t blanks = line_blanks_32(LOAD_32(p)) | line_blanks_32(LOAD_32(p + 32)) << 32;
            uint64_t unsure = line_unsure_32(LOAD_32(p)) | line_unsure_32(LOAD_32(p + 32)) << 32;
            look->words = ~(blanks | unsure) & (blanks << 1 | 1);
            look->all_words = left <= 64 && !mask_32(wide);
        }
        look->next += left < 64 ? left : 64;
    }
    look->odd = mask_32(wide) != 0;
    look->braces = mask_32(braces) != 0;
}

#define LINES_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,bmi,bmi2,lzcnt,popcnt")))

/* The first of 64 bytes that are there, if so many are left. */
LINES_AVX512
static inline __mmask64 line_mask(ptrdiff_t left) { return left < 64 ? _bzhi_u64(~0ull, left < 0 ? 0 : left) : ~0ull; }

/* 64 bytes, and the same from the next one and from the one behind it on. */
typedef struct {
    __m512i first, second, third;
} LineBytes;

LINES_AVX512
static inline LineBytes line_bytes(const uint8_t *p) {
    LineBytes bytes = {_mm512_loadu_si512(p), _mm512_loadu_si512(p + 1), _mm512_loadu_si512(p + 2)};
    return bytes;
}

/* The same where fewer may be left; spaces follow the last. */
LINES_AVX512
static inline LineBytes line_last_bytes(const uint8_t *p, ptrdiff_t left) {
    __m512i spaces = _mm512_set1_epi8(' ');
    LineBytes bytes = {_mm512_mask_loadu_epi8(spaces, line_mask(left), p),
                       _mm512_mask_loadu_epi8(spaces, line_mask(left - 1), p + 1),
                       _mm512_mask_loadu_epi8(spaces, line_mask(left - 2), p + 2)};
    return bytes;
}

#define LINE_IS(v, c) _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)(c)))
#define LINE_IS_IF(k, v, c) _mm512_mask_cmpeq_epi8_mask(k, v, _mm512_set1_epi8((char)(c)))

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

LINES_AVX512
static void line_look_by_avx512(LineLook *look, const LinePairs *pairs) {
    __m512i tables[3][2], seen = _mm512_setzero_si512();
    const uint8_t *p = look->next, *end = look->end;
    const __m512i spaces = _mm512_set1_epi8(' ');
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++) tables[i][j] = _mm512_loadu_si512(pairs->tables[i] + 64 * j);
    __m512i v = _mm512_mask_loadu_epi8(spaces, line_mask(end - p), p);
    uint64_t blanks = _mm512_cmpeq_epi8_mask(v, spaces);
    blanks |= _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(9)), _mm512_set1_epi8(13 - 9));
    blanks |= _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(28)), _mm512_set1_epi8(31 - 28));
    uint64_t unsure = LINE_IS(v, 0xC2);
    unsure |= _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8((char)0xE1)), _mm512_set1_epi8(0xE3 - 0xE1));
    look->words = ~(blanks | unsure) & (blanks << 1 | 1);
    look->all_words = !_mm512_movepi8_mask(v) && end - p <= 64;
    look->blocks = 0;
    for (int block = 0; block < LINE_BLOCKS && p < end; block++, p += 64) {
        LineBytes bytes = end - p < 66 ? line_last_bytes(p, end - p) : line_bytes(p);
        v = _mm512_permutex2var_epi8(tables[0][0], bytes.first, tables[0][1]);
        __m512i v1 = _mm512_permutex2var_epi8(tables[1][0], bytes.second, tables[1][1]);
        __m512i v2 = _mm512_permutex2var_epi8(tables[2][0], bytes.third, tables[2][1]);
        v = _mm512_ternarylogic_epi64(v, v1, v2, 0x80);
        seen = _mm512_or_si512(seen, v);
        __m512i lots = _mm512_set1_epi8((1 << LINE_LOTS) - 1);
        look->pairs[block] = _mm512_mask_test_epi8_mask(line_mask(end - p - 1), v, lots);
        look->blocks |= (uint64_t)(look->pairs[block] != 0) << block;
    }
    look->odd = _mm512_test_epi8_mask(seen, _mm512_set1_epi8(LINE_ODD)) != 0;
    look->braces = _mm512_movepi8_mask(seen) != 0;
    look->next = p < end ? p : end;
}

#endif

typedef struct {
    void (*scan)(LineScan *scan, const LineEnds *ends);
    void (*look)(LineLook *look, const LinePairs *pairs);
} LineWays;

/* How it is done here: by vectors of at most so many bytes. */
static void lines_choose(LineWays *ways, int lanes) {
    ways->scan = line_scan_anywhere;
    ways->look = line_look_anywhere;
#if defined(__GNUC__) && defined(__x86_64__)
    if (lanes >= 32 && processor_has(HAS_AVX2 | HAS_BITS)) {
        ways->scan = line_scan_by_avx2;
        ways->look = line_look_by_avx2;
    }
    if (lanes >= 64 && processor_has(HAS_AVX512_BYTES | HAS_AVX512_SHUFFLES | HAS_BITS)) {
        ways->scan = line_scan_by_avx512;
        ways->look = line_look_by_avx512;
    }
#else
    (void)lanes;
#endif
}

static inline void line_ends_prepare(LineEnds *ends) {
    for (int byte = 0; byte < 128; byte++) ends->halves[byte] = ends->listed[byte] << 7 | ends->listed[byte | 128] << 6;
    memset(ends->quarters, 0, sizeof(ends->quarters));
    for (int byte = 0; byte < 256; byte++)
        ends->quarters[byte >> 7][byte & 15] |= ends->listed[byte] << (byte >> 4 & 7);
}

static inline void line_may_be(LinePairs *pairs, int place, uint8_t byte, int bits) {
    pairs->tables[place][byte & 127] |= bits;
}

/* Without any pairs. */
static inline void line_pairs_prepare(LinePairs *pairs) {
    pairs->count = 0;
    memset(pairs->tables[0], 0, 128);
    memset(pairs->tables[1], LINE_BRACES, 128);
    memset(pairs->tables[2], LINE_BRACES | LINE_ODD, 128);
    line_may_be(pairs, 0, '[', LINE_BRACES);
    line_may_be(pairs, 0, '{', LINE_BRACES);
    line_may_be(pairs, 0, 0xC4, LINE_ODD); /* U+0130 */
    line_may_be(pairs, 1, 0xB0, LINE_ODD);
    line_may_be(pairs, 0, 0x84, LINE_ODD); /* U+212A, its last bytes */
    line_may_be(pairs, 1, 0xAA, LINE_ODD);
}

/* Have three bytes found, of which the third is not asked for if it is not there. */
static inline void line_pairs_add(LinePairs *pairs, int pair, const uint8_t *letters, int bytes) {
    int lot = 1 << pair % LINE_LOTS;
    for (int place = 0; place < 3; place++)
        for (int byte = 0; byte < 128; byte++)
            if (place >= bytes || (byte | 0x20) == (letters[place] | 0x20)) line_may_be(pairs, place, byte, lot);
}

#endif
