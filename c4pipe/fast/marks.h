/* Where units of a text are one of ".?!", 64 at a time: a bit for each, the first the lowest. */
#ifndef C4PIPE_MARKS_H
#define C4PIPE_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "vectors.h"

/* Of up to 64 units; nothing behind them is read. */
#define MARKS_UP_TO(unit) \
    static inline uint64_t marks_up_to_##unit(const unit *t, ptrdiff_t size) { \
        uint64_t marks = 0; \
        for (int i = 0; i < size && i < 64; i++) \
            marks |= (uint64_t)((t[i] == '.') | (t[i] == '?') | (t[i] == '!')) << i; \
        return marks; \
    }
MARKS_UP_TO(uint8_t)
MARKS_UP_TO(uint16_t)
MARKS_UP_TO(uint32_t)

#if defined(__SSE2__) || defined(_M_X64)

static inline uint64_t marks_16(__m128i v) {
    __m128i end = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('.')), _mm_cmpeq_epi8(v, _mm_set1_epi8('?')));
    return mask_16(_mm_or_si128(end, _mm_cmpeq_epi8(v, _mm_set1_epi8('!'))));
}

static inline uint64_t marks_uint8_t(const uint8_t *t, ptrdiff_t size) {
    uint64_t marks = 0;
    if (size < 64) return marks_up_to_uint8_t(t, size);
    for (int i = 0; i < 64; i += 16) marks |= marks_16(_mm_loadu_si128((const __m128i *)(t + i))) << i;
    return marks;
}

/* A unit above 255 becomes 255 or 0, which are no marks. */
static inline uint64_t marks_uint16_t(const uint16_t *t, ptrdiff_t size) {
    uint64_t marks = 0;
    if (size < 64) return marks_up_to_uint16_t(t, size);
    for (int i = 0; i < 64; i += 16) {
        __m128i low = _mm_loadu_si128((const __m128i *)(t + i)), high = _mm_loadu_si128((const __m128i *)(t + i + 8));
        marks |= marks_16(_mm_packus_epi16(low, high)) << i;
    }
    return marks;
}

#else
#define marks_uint8_t marks_up_to_uint8_t
#define marks_uint16_t marks_up_to_uint16_t
#endif
#define marks_uint32_t marks_up_to_uint32_t

#endif
