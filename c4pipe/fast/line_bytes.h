/* Lines of UTF-8 as bytes: where they end, and their ASCII in lower case, 64 bytes at a time. */
#include <stddef.h>
#include <string.h>

#include "processor.h"
#include "utf8.h"
#include "vectors.h"

#if defined(__SSE2__) || defined(_M_X64)

static inline uint64_t line_feeds_16(const uint8_t *p) {
    return mask_16(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8('\n')));
}

/* A bit for each of 64 bytes that is a line feed. */
static inline uint64_t line_feeds_64(const uint8_t *p) {
    return line_feeds_16(p) | line_feeds_16(p + 16) << 16 | line_feeds_16(p + 32) << 32 | line_feeds_16(p + 48) << 48;
}

static inline uint64_t line_cased_16(const uint8_t *p) {
    __m128i v = _mm_loadu_si128((const __m128i *)p); /* as signed numbers, of which ASCII is from 0 on */
    __m128i first = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(-65)), _mm_cmplt_epi8(v, _mm_setzero_si128()));
    __m128i without = _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(-30)), _mm_cmplt_epi8(v, _mm_set1_epi8(-22)));
    return mask_16(_mm_andnot_si128(without, first));
}

/* A bit for each of 64 bytes with which a character begins that may have a case: beyond ASCII all but those from U+3000
   to U+9FFF. */
static inline uint64_t line_cased_64(const uint8_t *p) {
    return line_cased_16(p) | line_cased_16(p + 16) << 16 | line_cased_16(p + 32) << 32 | line_cased_16(p + 48) << 48;
}

static inline uint64_t line_lowered_16(const uint8_t *p, uint8_t *into) {
    __m128i v = _mm_loadu_si128((const __m128i *)p); /* the sum makes capitals the least of signed numbers */
    __m128i capital = _mm_cmplt_epi8(_mm_add_epi8(v, _mm_set1_epi8(63)), _mm_set1_epi8(-128 + 26));
    _mm_storeu_si128((__m128i *)into, _mm_or_si128(v, _mm_and_si128(capital, _mm_set1_epi8(0x20))));
    return mask_16(v);
}

/* Write 64 bytes, of which capitals of ASCII are lower-cased; a bit for each that is not ASCII. */
static inline uint64_t line_lowered_64(const uint8_t *p, uint8_t *into) {
    return line_lowered_16(p, into) | line_lowered_16(p + 16, into + 16) << 16
           | line_lowered_16(p + 32, into + 32) << 32 | line_lowered_16(p + 48, into + 48) << 48;
}

#else

static inline uint64_t line_feeds_64(const uint8_t *p) {
    uint64_t found = 0;
    for (int i = 0; i < 64; i++) found |= (uint64_t)(p[i] == '\n') << i;
    return found;
}

static inline uint64_t line_cased_64(const uint8_t *p) {
    uint64_t found = 0;
    for (int i = 0; i < 64; i++) found |= (uint64_t)(p[i] >= 0xC0 && (p[i] < 0xE3 || p[i] > 0xE9)) << i;
    return found;
}

static inline uint64_t line_lowered_64(const uint8_t *p, uint8_t *into) {
    uint64_t others = 0;
    for (int i = 0; i < 64; i++) {
        others |= (uint64_t)(p[i] >> 7) << i;
        into[i] = p[i] | (uint8_t)(((uint8_t)(p[i] - 'A') < 26) << 5);
    }
    return others;
}

#endif

/* The same of fewer bytes; nothing behind them is read. */
static inline uint64_t line_feeds(const uint8_t *p, ptrdiff_t size) {
    uint8_t bytes[64] = {0};
    if (size >= 64) return line_feeds_64(p);
    memcpy(bytes, p, size);
    return line_feeds_64(bytes);
}

/* How many line feeds there are: no byte of a sum has room for more than 255. */
static inline ptrdiff_t line_feeds_in(const uint8_t *p, ptrdiff_t size) {
    ptrdiff_t found = 0;
    for (ptrdiff_t from = 0; from < size; from += 240) {
        ptrdiff_t end = size - from < 240 ? size : from + 240;
        uint8_t some = 0;
        for (ptrdiff_t i = from; i < end; i++) some += p[i] == '\n';
        found += some;
    }
    return found;
}

/* What is known of characters: of those of two bytes the lower case, 0 where it has other bytes or ``str`` must say it;
   of the first 65,536 the blocks of 256 of which none has another. */
typedef struct {
    uint16_t lower[0x800];
    uint8_t caseless[256];
} LineCases;

/* Lower-case, where it lies, the character that begins here; false if it cannot stay there. */
static inline int line_lower_one(const LineCases *cases, uint8_t *p) {
    uint32_t c, lower;
    int width;
    if (p[0] < 0xE0) {
        c = (p[0] & 0x1Fu) << 6 | (p[1] & 0x3F);
        lower = cases->lower[c];
        if (lower == c) return 1;
        p[0] = (uint8_t)(0xC0 | lower >> 6);
        p[1] = (uint8_t)(0x80 | (lower & 0x3F));
        return lower != 0;
    }
    width = utf8_decode(p, &c);
    if (c < 1 << 16 && cases->caseless[c >> 8]) return 1;
    lower = Py_UNICODE_TOLOWER(c);
    if (lower < (width == 3 ? 0x800u : 0x10000u) || lower >> 16 != c >> 16) return 0;
    for (int i = width - 1; i; i--, lower >>= 6) p[i] = (uint8_t)(0x80 | (lower & 0x3F));
    p[0] = (uint8_t)(width == 3 ? 0xE0 | lower : 0xF0 | lower);
    return 1;
}

/* Write a line in lower case, and up to 63 bytes more; 0 if what is lower-cased would not stay where it is, or ``str``
   must do it: what is written is of no use then. Of the text ``left`` bytes are left from there. */
#define LINE_LOWERED(name, attribute, lowered_64, cased_64) \
    attribute static int name( \
        const LineCases *cases, const uint8_t *p, ptrdiff_t size, ptrdiff_t left, uint8_t *into \
    ) { \
        ptrdiff_t i = 0; \
        uint64_t others = 0; \
        for (; i + 64 <= size; i += 64) others |= lowered_64(p + i, into + i, 64, left - i); \
        if (i < size) others |= lowered_64(p + i, into + i, size - i, left - i); \
        if (!others) return 1; \
        for (i = 0; i < size; i += 64) { \
            uint64_t cased = cased_64(into + i); \
            if (size - i < 64) cased &= ((uint64_t)1 << (size - i)) - 1; \
            for (; cased; cased &= cased - 1) \
                if (!line_lower_one(cases, into + i + lowest_bit(cased))) return 0; \
        } \
        return 1; \
    }

static inline uint64_t line_lowered_up_to(const uint8_t *p, uint8_t *into, ptrdiff_t size, ptrdiff_t left) {
    uint8_t bytes[64];
    if (size >= 64) return line_lowered_64(p, into);
    if (left < 64) {
        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes, p, size);
        p = bytes;
    }
    return line_lowered_64(p, into) & (((uint64_t)1 << size) - 1);
}

LINE_LOWERED(line_lowered_anywhere, , line_lowered_up_to, line_cased_64)

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

#define LINE_AVX512 __attribute__((target("avx512f,avx512bw")))

LINE_AVX512
static inline uint64_t line_lowered_by_avx512(const uint8_t *p, uint8_t *into, ptrdiff_t size, ptrdiff_t left) {
    __mmask64 here = size < 64 ? ((uint64_t)1 << size) - 1 : ~0ull;
    __m512i v = _mm512_maskz_loadu_epi8(here, p);
    __mmask64 capital = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8('A')), _mm512_set1_epi8(26));
    (void)left;
    _mm512_storeu_si512(into, _mm512_mask_add_epi8(v, capital, v, _mm512_set1_epi8(32)));
    return _mm512_movepi8_mask(v);
}

/* Left out, too, are those that are seen to be small letters of Latin-1 or Russian, or U+2000 to U+203F. The byte
   behind a first one is below 0xC0; what is behind the last of the 64 is not seen. */
LINE_AVX512
static inline uint64_t line_cased_by_avx512(const uint8_t *p) {
    __m512i v = _mm512_loadu_si512(p);
    uint64_t cased = _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8((char)0xC0)), small, then;
    cased &= _mm512_cmpge_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8((char)0xE3)), _mm512_set1_epi8(7));
    if (!cased) return 0;
    then = _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8((char)0xA0));
    small = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xC3)) & then >> 1;
    then &= _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8((char)0xB0));
    small |= _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xD0)) & then >> 1;
    then = _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8((char)0x90));
    small |= _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xD1)) & then >> 1;
    then = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0x80));
    small |= _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xE2)) & then >> 1;
    return cased & ~small;
}

LINE_LOWERED(line_lowered_wide, LINE_AVX512, line_lowered_by_avx512, line_cased_by_avx512)
#endif

typedef int (*line_lowering)(const LineCases *, const uint8_t *, ptrdiff_t, ptrdiff_t, uint8_t *);

/* How lines are lower-cased here: by vectors of at most so many words. */
static line_lowering line_choice(int lanes) {
#if defined(__GNUC__) && defined(__x86_64__)
    if (lanes >= 64 && processor_has(HAS_AVX512_BYTES)) return line_lowered_wide;
#else
    (void)lanes;
#endif
    return line_lowered_anywhere;
}
