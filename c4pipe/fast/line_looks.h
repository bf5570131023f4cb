/* Where words begin and phrases may be in a line, in 64 bytes of UTF-8 at a time. Ways of looking may differ in which
   places may have a phrase or a letter of an odd case, but none leaves out one that has. */
#ifndef C4PIPE_LINE_LOOKS_H
#define C4PIPE_LINE_LOOKS_H

#include "line_vectors.h"

#define LINE_BLOCKS 32 /* of 64 bytes, looked at at once: more would take a frame too large to be inlined */

/* Two bytes, each 16 times over, with 0x20 set. */
typedef struct {
    uint8_t first[16], second[16];
} BytePair;

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

/* Pairs of bytes that are looked for, and how that is done here. The tables are for AVX-512, by 7 bits: what may be
   the first byte of some pairs, the second, and the one behind them, a bit for each lot of pairs; so, too, for what is
   of an odd case. */
typedef struct LinePairs {
    BytePair pairs[64];
    int count;
    uint8_t tables[3][128];
    void (*look)(LineLook *look, const struct LinePairs *pairs);
} LinePairs;

#define LINE_LOTS 6
#define LINE_ODD 0x40
#define LINE_BRACES 0x80

#if defined(__SSE2__) || defined(_M_X64)

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

LINES_AVX2
static inline uint64_t line_blanks_32(__m256i v) {
    return mask_32(_mm256_or_si256(IS_32(v, ' '), _mm256_or_si256(IS_BETWEEN_32(v, 9, 13), IS_BETWEEN_32(v, 28, 31))));
}

LINES_AVX2
static inline uint64_t line_unsure_32(__m256i v) {
    return mask_32(_mm256_or_si256(IS_32(v, 0xC2), IS_BETWEEN_32(v, 0xE1, 0xE3)));
}

LINES_AVX2
static inline uint64_t line_words_64(const uint8_t *p) {
    uint64_t blanks = line_blanks_32(LOAD_32(p)) | line_blanks_32(LOAD_32(p + 32)) << 32;
    uint64_t unsure = line_unsure_32(LOAD_32(p)) | line_unsure_32(LOAD_32(p + 32)) << 32;
    return ~(blanks | unsure) & (blanks << 1 | 1);
}

/* As above; added are all bytes, 0x20 set, and each that is "[" or "{". */
LINES_AVX2
static inline uint64_t line_pairs_64(const uint8_t *p, const LinePairs *pairs, __m256i *bytes, __m256i *braces) {
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
    *bytes = _mm256_or_si256(*bytes, _mm256_or_si256(low, high));
    *braces = _mm256_or_si256(*braces, _mm256_or_si256(IS_32(low, '{'), IS_32(high, '{')));
    return mask_32(in_low) | mask_32(in_high) << 32;
}

LINES_AVX2
static void line_look_by_avx2(LineLook *look, const LinePairs *pairs) {
    uint8_t rest[65];
    __m256i bytes = _mm256_setzero_si256(), braces = bytes;
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
        look->pairs[block] = line_pairs_64(p, pairs, &bytes, &braces);
        if (left < 65) look->pairs[block] = _bzhi_u64(look->pairs[block], (unsigned)(left - 1));
        look->blocks |= (uint64_t)(look->pairs[block] != 0) << block;
        if (!block) {
            look->words = line_words_64(p);
            look->all_words = left <= 64 && !mask_32(bytes);
        }
        look->next += left < 64 ? left : 64;
    }
    look->odd = mask_32(bytes) != 0;
    look->braces = mask_32(braces) != 0;
}

LINES_AVX512
static inline uint64_t line_words(__m512i v) {
    uint64_t blanks = LINE_IS(v, ' ') | LINE_IS_BETWEEN(v, 9, 13) | LINE_IS_BETWEEN(v, 28, 31);
    uint64_t unsure = LINE_IS(v, 0xC2) | LINE_IS_BETWEEN(v, 0xE1, 0xE3);
    return ~(blanks | unsure) & (blanks << 1 | 1);
}

LINES_AVX512
static void line_look_by_avx512(LineLook *look, const LinePairs *pairs) {
    __m512i tables[3][2], seen = _mm512_setzero_si512();
    const uint8_t *p = look->next, *end = look->end;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++) tables[i][j] = _mm512_loadu_si512(pairs->tables[i] + 64 * j);
    __m512i v = _mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), line_mask(end - p), p);
    look->words = line_words(v);
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

static inline void line_may_be(LinePairs *pairs, int place, uint8_t byte, int bits) {
    pairs->tables[place][byte & 127] |= bits;
}

/* Without any pairs; by vectors of at most so many bytes. */
static void line_pairs_prepare(LinePairs *pairs, int lanes) {
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
    lanes = line_lanes(lanes);
    pairs->look = line_look_anywhere;
#if defined(__GNUC__) && defined(__x86_64__)
    if (lanes >= 32) pairs->look = lanes >= 64 ? line_look_by_avx512 : line_look_by_avx2;
#endif
}

/* Have three bytes found, of which the third is not asked for if it is not there. */
static inline void line_pairs_add(LinePairs *pairs, int pair, const uint8_t *letters, int bytes) {
    int lot = 1 << pair % LINE_LOTS;
    for (int place = 0; place < 3; place++)
        for (int byte = 0; byte < 128; byte++)
            if (place >= bytes || (byte | 0x20) == (letters[place] | 0x20)) line_may_be(pairs, place, byte, lot);
}

/* Go on until the line ends, or as far as there is room for what is found. */
static inline void line_look(LineLook *look, const LinePairs *pairs) { pairs->look(look, pairs); }

#endif
