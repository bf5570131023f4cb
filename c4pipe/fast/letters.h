/* Letters of a text as numbers of 7 bits, and the known n-grams that end in them: by AVX-512 where the machine has
   enough of it, else as any does; the same is found. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "processor.h"
#include "utf8.h"
#include "vectors.h"

#define LETTER_BITS 7 /* of a common character's number */
#define LETTER_RARE 127 /* the number of all others */
#define LETTER_ASK 8 /* in a window's mask: it has a rare character */
#define LETTER_WINDOWS (1 << 3 * LETTER_BITS)
#define LETTER_SLACK 64 /* as much may be written behind the last number, window or n-gram */

/* What a text has, by its bytes. */
typedef struct {
    int odd; /* there may be addresses, marks, or characters behind the table */
    ptrdiff_t latin, other; /* bytes from A to z; characters from U+0300 on */
} Looks;

typedef struct Letters Letters;

struct Letters {
    const uint8_t *common, *masks; /* numbers of characters; of windows, bit n - 1 for each n-gram that is known */
    const uint16_t *normal; /* what characters are taken for */
    uint64_t members[8], next; /* n-grams by mask, four lanes of 16 bits; what makes them those of the next character */
    uint8_t sizes[8];
    uint8_t ascii[128];
    uint8_t *numbers; /* of characters; blanks come before the first */
    uint16_t *rare; /* what rare ones are taken for */
    uint32_t *windows;
    uint16_t *found;
    ptrdiff_t length, place;
    uint32_t used;
    Looks (*looks)(const uint8_t *p, ptrdiff_t size);
    ptrdiff_t (*read)(Letters *letters, const uint8_t *p, ptrdiff_t size, ptrdiff_t most);
    void (*scan)(Letters *letters);
};

/* At most so many bytes go by without a count above 255. */
#define LETTERS_LOOKS(name, attribute) \
    attribute static Looks name(const uint8_t *p, ptrdiff_t size) { \
        Looks looks = {0, 0, 0}; \
        uint8_t odd = 0; \
        for (ptrdiff_t from = 0; from < size; from += 240) { \
            ptrdiff_t end = size - from < 240 ? size : from + 240, i = from; \
            uint8_t latin = 0, other = 0; \
            for (ptrdiff_t last = end < size ? end : size - 1; i < last; i++) { \
                latin += (uint8_t)(p[i] - 'A') <= 'z' - 'A'; \
                other += p[i] >= 0xCC; \
                odd |= (p[i] == '@') | ((p[i] == ':') & (p[i + 1] == '/')) | (p[i] == 0xCC) | (p[i] >= 0xF0); \
            } \
            for (; i < end; i++) { \
                latin += (uint8_t)(p[i] - 'A') <= 'z' - 'A'; \
                other += p[i] >= 0xCC; \
                odd |= p[i] == '@'; \
            } \
            looks.latin += latin; \
            looks.other += other; \
        } \
        looks.odd = odd; \
        return looks; \
    }

LETTERS_LOOKS(letters_looks_anywhere, )

static inline void letters_put(Letters *letters, ptrdiff_t place, uint32_t character) {
    letters->numbers[place] = letters->common[character];
    letters->rare[place] = letters->normal[character]; /* which only counts if it is rare */
}

/* Number the first characters of UTF-8, none of which is behind the table; how many bytes they have. */
static ptrdiff_t letters_read_anywhere(Letters *letters, const uint8_t *p, ptrdiff_t size, ptrdiff_t most) {
    ptrdiff_t i = 0, used = 0;
    uint32_t character;
    while (i < size && used < most) {
        if (size - i >= 16 && most - used >= 16) {
            uint32_t others = high_bits_16(p + i);
            int ascii = others ? lowest_bit(others) : 16;
            for (int k = 0; k < 16; k++) letters->numbers[used + k] = letters->ascii[p[i + k] & 0x7F];
            i += ascii;
            used += ascii;
            if (!others) continue;
        }
        do {
            i += utf8_decode(p + i, &character);
            letters_put(letters, used++, character);
        } while (i < size && p[i] >= 0x80 && used < most);
    }
    letters->length = used;
    return i;
}

/* Whether a rare character is among the three that end here. */
static inline int letters_asks(const uint8_t *numbers) {
    return numbers[-2] == LETTER_RARE || numbers[-1] == LETTER_RARE || numbers[0] == LETTER_RARE;
}

static inline void letters_windows(const uint8_t *numbers, uint32_t *windows, int count) {
    for (int i = 0; i < count; i++)
        windows[i] = (uint32_t)numbers[i - 2] << 2 * LETTER_BITS | (uint32_t)numbers[i - 1] << LETTER_BITS | numbers[i];
}

/* Note n-grams to the end, or to a window with a rare character. */
static void letters_scan_anywhere(Letters *letters) {
    const uint8_t *masks = letters->masks, *numbers = letters->numbers;
    uint16_t *found = letters->found;
    uint32_t *windows = letters->windows, used = letters->used, asked = 0;
    ptrdiff_t i = letters->place, length = letters->length;
    uint64_t next = letters->next, lanes = i * next;
    while (i < length && !asked) {
        ptrdiff_t end = length - i < LETTER_SLACK ? length : i + LETTER_SLACK;
        letters_windows(numbers + i, windows + i, LETTER_SLACK);
        for (; i < end; i++, lanes += next) {
            uint32_t mask = masks[windows[i]];
            uint64_t noted = lanes + letters->members[mask & 7];
            asked = mask & LETTER_ASK;
            if (asked) break;
            memcpy(found + used, &noted, sizeof(noted));
            used += letters->sizes[mask];
        }
    }
    letters->place = i;
    letters->used = used;
}

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

#define LETTERS_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt")))

LETTERS_LOOKS(letters_looks_by_avx2, __attribute__((target("avx2"))))

LETTERS_AVX512
static Looks letters_looks_by_avx512(const uint8_t *p, ptrdiff_t size) {
    Looks looks = {0, 0, 0};
    __mmask64 odd = 0, before = 0;
    for (ptrdiff_t i = 0; i < size; i += 64) {
        __mmask64 here = size - i < 64 ? _bzhi_u64(~0ull, (unsigned)(size - i)) : ~0ull;
        __m512i v = _mm512_maskz_loadu_epi8(here, p + i);
        __mmask64 colon = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(':'));
        __mmask64 other = _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8((char)0xCC));
        odd |= _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('@'));
        odd |= _mm512_mask_cmpeq_epi8_mask(colon << 1 | before, v, _mm512_set1_epi8('/'));
        odd |= _mm512_mask_cmpeq_epi8_mask(other, v, _mm512_set1_epi8((char)0xCC));
        odd |= _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8((char)0xF0));
        looks.other += __builtin_popcountll(other);
        looks.latin += __builtin_popcountll(_mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8('A')),
                                                                   _mm512_set1_epi8('z' - 'A')));
        before = colon >> 63;
    }
    looks.odd = odd != 0;
    return looks;
}

/* 64 bytes at a time as if they were ASCII, without the tails of characters; what is not ASCII is put in place then. */
LETTERS_AVX512
static ptrdiff_t letters_read_by_avx512(Letters *letters, const uint8_t *p, ptrdiff_t size, ptrdiff_t most) {
    __m512i low = _mm512_loadu_si512(letters->ascii), high = _mm512_loadu_si512(letters->ascii + 64);
    ptrdiff_t i = 0, used = 0;
    uint32_t character;
    while (i + 64 <= size && used + 64 <= most) {
        __m512i v = _mm512_loadu_si512(p + i);
        uint64_t others = _mm512_movepi8_mask(v);
        __m512i numbers = _mm512_permutex2var_epi8(low, v, high);
        if (!others) {
            _mm512_storeu_si512(letters->numbers + used, numbers);
            i += 64;
            used += 64;
            continue;
        }
        uint64_t begin = ~_mm512_cmplt_epi8_mask(v, _mm512_set1_epi8(-64)), tall = others & begin;
        _mm512_storeu_si512(letters->numbers + used, _mm512_maskz_compress_epi8(begin, numbers));
        for (; tall; tall &= tall - 1) {
            int at = __builtin_ctzll(tall), place = __builtin_popcountll(_bzhi_u64(begin, at));
            utf8_decode(p + i + at, &character);
            letters_put(letters, used + place, character);
        }
        used += __builtin_popcountll(begin);
        i += 64;
        while (i < size && (p[i] & 0xC0) == 0x80) i++;
    }
    letters->numbers += used;
    letters->rare += used;
    i += letters_read_anywhere(letters, p + i, size - i, most - used);
    letters->numbers -= used;
    letters->rare -= used;
    letters->length += used;
    return i;
}

/* Eight characters at a time: a lane for each n-gram that may end in one, of which those stay that are known. */
LETTERS_AVX512
static void letters_scan_by_avx512(Letters *letters) {
    const uint8_t *masks = letters->masks;
    __m512i first = _mm512_set_epi16(32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
                                     16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1);
    ptrdiff_t i = letters->place;
    uint32_t used = letters->used, asked = 0;
    while (i + 16 <= letters->length && !asked) {
        const uint8_t *numbers = letters->numbers + i;
        uint32_t *windows = letters->windows + i;
        __m512i a = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(numbers - 2)));
        __m512i b = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(numbers - 1)));
        __m512i c = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)numbers));
        a = _mm512_or_si512(_mm512_slli_epi32(a, 2 * LETTER_BITS), _mm512_slli_epi32(b, LETTER_BITS));
        _mm512_storeu_si512(windows, _mm512_or_si512(a, c));
        for (int half = 0; half < 2 && !asked; half++, windows += 8) {
            uint32_t known = 0;
            for (int k = 0; k < 8; k++) known |= (uint32_t)masks[windows[k]] << 4 * k;
            asked = known & 0x11111111u * LETTER_ASK;
            if (asked) known &= (asked & -asked) - 1;
            __m512i lanes = _mm512_add_epi16(first, _mm512_set1_epi16((short)(4 * i)));
            _mm512_storeu_si512(letters->found + used, _mm512_maskz_compress_epi16(known, lanes));
            used += __builtin_popcount(known);
            i += asked ? __builtin_ctz(asked) / 4 : 8;
        }
    }
    letters->place = i;
    letters->used = used;
    if (!asked) letters_scan_anywhere(letters);
}

#endif

/* How texts are read here: by vectors of at most so many numbers of 32 bits. */
static void letters_choose(Letters *letters, int lanes) {
    letters->looks = letters_looks_anywhere;
    letters->read = letters_read_anywhere;
    letters->scan = letters_scan_anywhere;
#if defined(__GNUC__) && defined(__x86_64__)
    if (lanes >= 8 && processor_has(HAS_AVX2)) letters->looks = letters_looks_by_avx2;
    if (lanes >= 16 && processor_has(HAS_AVX512_BYTES | HAS_AVX512_SHUFFLES | HAS_BITS)) {
        letters->looks = letters_looks_by_avx512;
        letters->read = letters_read_by_avx512;
        letters->scan = letters_scan_by_avx512;
    }
#else
    (void)lanes;
#endif
}
