/* Where lines may end, words begin and phrases be, in 64 bytes of UTF-8 at a time: by AVX-512 where the machine has
   enough of it, by SSE2, which every x86-64 has, else one by one; the same is found. */
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

static inline uint64_t is_wide_16(const uint8_t *p) { return mask_16(LOAD(p)); }

/* A bit for each of 64 bytes at which surely a word begins: ASCII, no blank, the first or behind an ASCII blank. */
static inline uint64_t words_64(const uint8_t *p) {
    uint64_t blank = is_blank_16(p) | is_blank_16(p + 16) << 16 | is_blank_16(p + 32) << 32 | is_blank_16(p + 48) << 48;
    uint64_t wide = is_wide_16(p) | is_wide_16(p + 16) << 16 | is_wide_16(p + 32) << 32 | is_wide_16(p + 48) << 48;
    return ~(blank | wide) & (blank << 1 | 1);
}

/* A bit for each of 64 bytes that is one of these pairs with the byte behind it, 0x20 set in both, and whether all are
   ASCII and none "[" or "{"; reads 65 bytes. */
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
        bits |= (uint64_t)(behind_blank && !blank && p[i] < 0x80) << i;
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

#define LINE_STOPS 256 /* noted at once, at most */
#define LINE_AHEAD 2048 /* bytes fetched before they are needed: texts follow each other, and may lie far away */
#define LINE_BLOCKS 64 /* of 64 bytes, looked at at once */

/* What a line has that needs no look. */
typedef struct {
    uint8_t listed[256]; /* bytes that its line feed is not behind */
    uint8_t halves[128]; /* the same by 7 bits: 1 for a byte that is ASCII, 2 for one that is not */
    ptrdiff_t limit; /* bytes that it has at most, 64 or more */
} LineEnds;

/* Where a line may end that needs a look, or that something else than a line feed ends. */
typedef struct {
    const uint8_t *at, *begin; /* behind the last line feed before */
    ptrdiff_t passed; /* lines before that need no look */
} LineStop;

typedef struct {
    const uint8_t *next, *end; /* of the text: what is to be gone through */
    const uint8_t *begin;
    ptrdiff_t passed;
    int listed; /* the byte before the next */
    int count;
    LineStop stops[LINE_STOPS];
} LineStops;

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

static inline void line_stop(LineStops *found, const uint8_t *at, const uint8_t *begin, ptrdiff_t passed) {
    LineStop *stop = &found->stops[found->count++];
    stop->at = at;
    stop->begin = begin;
    stop->passed = passed;
}

/* Note stops until the text ends or there are many. */
static void line_stops_anywhere(LineStops *found, const LineEnds *ends) {
    uint8_t rest[66];
    for (found->count = 0; found->next < found->end && found->count <= LINE_STOPS - 64;) {
        const uint8_t *p = found->next;
        ptrdiff_t left = found->end - p;
        if (left < 66) {
            memset(rest, ' ', sizeof(rest));
            memcpy(rest, p, left);
        }
        for (uint64_t bits = possible_ends_64(left < 66 ? rest : p); bits; bits &= bits - 1) {
            const uint8_t *at = p + lowest_bit(bits);
            int feed = *at == '\n', listed = at > p ? ends->listed[at[-1]] : found->listed;
            if (!feed || listed || at - found->begin > ends->limit) line_stop(found, at, found->begin, found->passed);
            else found->passed++;
            if (feed) found->begin = at + 1;
        }
        found->next += left < 64 ? left : 64;
        found->listed = ends->listed[found->next[-1]];
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

#define LINES_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,bmi,bmi2,lzcnt,popcnt")))

static int lines_avx512(void) {
    unsigned a, b, c, d;
    if (!processor_has(HAS_AVX512) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    return (b >> 30 & 3) == 3 && c >> 1 & 1; /* BW and VL, VBMI; BMI, LZCNT and POPCNT are older */
}

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
static void line_stops_by_avx512(LineStops *found, const LineEnds *ends) {
    const uint8_t *p = found->next, *end = found->end, *begin = found->begin;
    __m512i low = _mm512_loadu_si512(ends->halves), high = _mm512_loadu_si512(ends->halves + 64);
    uint64_t before = found->listed;
    ptrdiff_t passed = found->passed;
    int count = 0;
    for (; p < end && count <= LINE_STOPS - 64; p += 64) {
        _mm_prefetch((const char *)p + LINE_AHEAD, _MM_HINT_T0);
        LineBytes bytes = end - p < 66 ? line_last_bytes(p, end - p) : line_bytes(p);
        __m512i v = bytes.first, halves = _mm512_permutex2var_epi8(low, v, high);
        __mmask64 wide = _mm512_movepi8_mask(v);
        uint64_t listed = _mm512_mask_test_epi8_mask(~wide, halves, _mm512_set1_epi8(1));
        listed |= _mm512_mask_test_epi8_mask(wide, halves, _mm512_set1_epi8(2));
        uint64_t feeds = LINE_IS(v, '\n'), others = _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(' ')) & ~feeds;
        others |= LINE_IS_IF(LINE_IS(v, 0xC2), bytes.second, 0x85);
        __mmask64 separators = LINE_IS_IF(LINE_IS(v, 0xE2), bytes.second, 0x80);
        others |= LINE_IS_IF(separators, _mm512_or_si512(bytes.third, _mm512_set1_epi8(1)), 0xA9);
        uint64_t stops = (feeds & (listed << 1 | before)) | others;
        before = listed >> 63;
        if (feeds && p + lowest_bit(feeds) - begin > ends->limit) stops |= feeds & -feeds;
        uint64_t passes = feeds & ~stops;
        for (; stops; stops &= stops - 1) {
            uint64_t below = (stops & -stops) - 1, feeds_below = feeds & below;
            LineStop *stop = &found->stops[count++];
            stop->at = p + lowest_bit(stops);
            stop->begin = feeds_below ? p + 64 - __builtin_clzll(feeds_below) : begin;
            stop->passed = passed + __builtin_popcountll(passes & below);
        }
        passed += __builtin_popcountll(passes);
        if (feeds) begin = p + 64 - __builtin_clzll(feeds);
    }
    found->next = p < end ? p : end;
    found->begin = begin;
    found->listed = (int)before;
    found->passed = passed;
    found->count = count;
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
    uint64_t wide = _mm512_movepi8_mask(v);
    look->words = ~(blanks | wide) & (blanks << 1 | 1);
    look->all_words = !wide && end - p <= 64;
    look->blocks = 0;
    for (int block = 0; block < LINE_BLOCKS && p < end; block++, p += 64) {
        LineBytes bytes = end - p < 66 ? line_last_bytes(p, end - p) : line_bytes(p);
        v = _mm512_permutex2var_epi8(tables[0][0], bytes.first, tables[0][1]);
        __m512i v1 = _mm512_permutex2var_epi8(tables[1][0], bytes.second, tables[1][1]);
        __m512i v2 = _mm512_permutex2var_epi8(tables[2][0], bytes.third, tables[2][1]);
        v = _mm512_ternarylogic_epi64(v, v1, v2, 0x80);
        seen = _mm512_or_si512(seen, v);
        look->pairs[block] = _mm512_mask_test_epi8_mask(line_mask(end - p - 1), v, _mm512_set1_epi8((1 << LINE_LOTS) - 1));
        look->blocks |= (uint64_t)(look->pairs[block] != 0) << block;
    }
    look->odd = _mm512_test_epi8_mask(seen, _mm512_set1_epi8(LINE_ODD)) != 0;
    look->braces = _mm512_movepi8_mask(seen) != 0;
    look->next = p < end ? p : end;
}

#endif

typedef struct {
    void (*stops)(LineStops *found, const LineEnds *ends);
    void (*look)(LineLook *look, const LinePairs *pairs);
} LineWays;

/* How it is done here: by vectors of at most so many bytes. */
static void lines_choose(LineWays *ways, int lanes) {
    ways->stops = line_stops_anywhere;
    ways->look = line_look_anywhere;
#if defined(__GNUC__) && defined(__x86_64__)
    if (lanes >= 64 && lines_avx512()) {
        ways->stops = line_stops_by_avx512;
        ways->look = line_look_by_avx512;
    }
#else
    (void)lanes;
#endif
}

static inline void line_ends_prepare(LineEnds *ends) {
    for (int byte = 0; byte < 128; byte++) ends->halves[byte] = ends->listed[byte] | ends->listed[byte | 128] << 1;
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
