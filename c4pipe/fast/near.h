/* Trials by nearly the same numbers, in less time: what they may differ by, and why that is enough, is said in
   langdetect_near.pxi. What is drawn is known long before it is needed, so rows are fetched ahead. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "products.h"

#undef near /* windows.h, where it is read, has a macro of this name */

#define NEAR_DRIFT 4e-7      /* by n-gram */
#define NEAR_LOOKS_FROM 12   /* steps until digits may end, and how many between two looks from there on */
#define NEAR_LOOKS_EACH 4
#define NEAR_TINY 1e-200     /* shares below are raised to this */
#define NEAR_SMALL 1e-120    /* and must stay below that */
#define NEAR_SCALE 128.0f    /* of factors, so that products stay in the middle of their range; exact */
#define NEAR_LINE 16         /* floats of a cache line: rows begin with one */
#define NEAR_LANGUAGES 64    /* as many as trials by AVX-512 take, and no fewer lanes */
#define NEAR_BATCH 64        /* words that are looked at together */
#define NEAR_DRAWN 96        /* n-grams that are drawn before a trial, which is enough for nearly all */
#define NEAR_NUMBERED 16     /* n-grams that are located together */
#define NEAR_AHEAD (STEP + 32) /* n-grams whose rows are fetched early enough */
/* N-grams that may be drawn beyond those of trials of at most so many. */
#define NEAR_WASTE(most) (2 * ((most) + NEAR_AHEAD + NEAR_DRAWN) + NEAR_BATCH + NEAR_NUMBERED)

enum { NEAR_UNSURE = 0, NEAR_NO_WORDS = -1, NEAR_TOO_FEW = -2 };

/* An n-gram of one language. */
typedef struct { float probability; int32_t language; } NearSingle;

typedef Total (*NearStep)(double *values, const float **rows, int many, float weight, int width);
typedef struct Near Near;

struct Near {
    /* Rows of factors by number, STEP spare ones that are 0, and behind those numbers n-grams of one language. */
    float *rows;
    NearSingle *singles;
    uint32_t full;
    int stride, width;                   /* floats of a row, and how many of them count */
    int iterations, pair;                /* n-grams of a trial, but for the last; words that begin two trials */
    double odds;                         /* of all others by the likeliest, where a trial ends */
    const double *before;                /* what languages have before the first n-gram */
    const uint16_t *located;             /* numbers of n-grams by place */
    const uint32_t *taken, *added;       /* of a window for that place */
    NearStep step;
    int (*trial)(Near *near, double weight); /* how many n-grams it took, or what stands above */
    int (*draw)(Near *near, int drawn);
    /* The stream of words, and n-grams drawn of it: drawn, with numbers, used. */
    const uint32_t *words;
    ptrdiff_t end, place;
    int drawn, numbered, used;
    uint32_t *places, *after; /* of their numbers; and behind their words */
    uint16_t *numbers;
    /* A page: what was found in it, and what its trials came to. */
    const uint16_t *found;
    const uint32_t *windows; /* 1 << 30 in one says that it was asked about */
    uint32_t count;
    int shift;
    double *values, *sums, most;
    unsigned char *raised;
};

/* Keep how probable an n-gram is in a language. */
static void near_load(Near *near, uint32_t number, int language, double probability) {
    NearSingle one = {(float)probability * NEAR_SCALE, language};
    if (number < near->full) near->rows[(size_t)number * near->stride + language] = one.probability;
    else near->singles[number - near->full] = one;
}

/* The next words, of which those that are below the count are indices of n-grams found; how many then. */
static int near_draw_anywhere(Near *near, int drawn) {
    uint32_t *indices = near->places, *after = near->after, place = (uint32_t)near->place;
    for (int i = 0; i < NEAR_BATCH; i++) {
        uint32_t index = near->words[place++] >> near->shift;
        indices[drawn] = index;
        after[drawn] = place;
        drawn += index < near->count;
    }
    return drawn;
}

/* Draw n-grams, to so many, and find out where their numbers are; 0 if there are too few words. */
static int near_draw(Near *near, int needed) {
    while (near->drawn < needed) {
        if (near->end - near->place < NEAR_BATCH) return 0;
        int drawn = near->draw(near, near->drawn);
        for (int i = near->drawn; i < drawn; i++) {
            uint32_t found = near->found[near->places[i]], window = near->windows[found >> 2];
            uint32_t n = (found & 3) | window >> 30 << 2;
            near->places[i] = (window & near->taken[n]) + near->added[n];
            FETCH_EARLY(near->located + near->places[i]);
        }
        near->drawn = drawn;
        near->place += NEAR_BATCH;
    }
    return 1;
}

/* Read the numbers of n-grams, to so many, and fetch their rows; 0 if too few are drawn. */
static inline int near_look_ahead(Near *near, int needed, int stride) {
    while (near->numbered < needed) {
        uint16_t *numbers = near->numbers + near->numbered;
        if (near->drawn < near->numbered + NEAR_NUMBERED) return 0;
        for (int i = 0; i < NEAR_NUMBERED; i++) {
            uint32_t number = near->located[near->places[near->numbered + i]];
            const float *row = near->rows + (size_t)(number < near->full ? number : near->full) * stride;
            for (int j = 0; j < stride; j += NEAR_LINE) FETCH_EARLY(row + j);
            numbers[i] = (uint16_t)number;
        }
        near->numbered += NEAR_NUMBERED;
    }
    return 1;
}

/* Take the words that begin two trials: n-grams that were drawn of them are none. */
static int near_begin_pair(Near *near) {
    if (near->used) {
        uint32_t *after = near->after + near->used, end = after[-1] + near->pair;
        if (!near_draw(near, near->used + near->pair)) return 0;
        for (int i = 0, past = 0; i < near->pair; i++, near->used += past) past = after[i] <= end;
    } else {
        near->place += near->pair;
    }
    return 1;
}

/* Make spare rows of n-grams of one language. */
static inline void near_spread(const Near *near, const uint16_t *numbers, int many) {
    for (int i = 0; i < many; i++) {
        if (numbers[i] < near->full) continue;
        NearSingle one = near->singles[numbers[i] - near->full];
        float *row = near->rows + (size_t)(near->full + i) * near->stride;
        row[one.language] = one.probability;
    }
}

/* The rows of n-grams; those of one language are made in the spare ones. Whether there are any. */
static inline int near_rows(const Near *near, const uint16_t *numbers, int many, const float **rows, int stride) {
    int single = 0;
    for (int i = 0; i < many; i++) {
        uint32_t number = numbers[i] < near->full ? numbers[i] : near->full + i;
        rows[i] = near->rows + (size_t)number * stride;
        single |= numbers[i] >= near->full;
    }
    if (single) near_spread(near, numbers, many);
    return single;
}

static inline void near_clear(const Near *near, const uint16_t *numbers, int many) {
    for (int i = 0; i < many; i++) {
        if (numbers[i] < near->full) continue;
        float *row = near->rows + (size_t)(near->full + i) * near->stride;
        row[near->singles[numbers[i] - near->full].language] = 0.0f;
    }
}

/* Whether a trial goes on: 1, or 0 if it ends here, or -1 if that is unsure. */
static inline int near_goes_on(const Near *near, Total total, int drawn) {
    double even = near->odds * total.greatest, against = (total.sum - total.greatest) - even;
    double drift = drawn * NEAR_DRIFT * even;
    if (drawn > near->iterations) return 0;
    if (against >= drift) return 1;
    return against < -drift ? 0 : -1;
}

static inline int near_looks(int drawn) {
    return drawn > NEAR_LOOKS_FROM * STEP && (drawn - 1) % (NEAR_LOOKS_EACH * STEP) == 0;
}

/* Divide by the sum, and raise values that come near the end of digits; 0 if one that was raised may come to count. */
static int near_raise(Near *near, double sum, int drawn) {
    double factor = 1.0 / sum;
    if (drawn == 1 + NEAR_LOOKS_FROM * STEP) memset(near->raised, 0, near->width);
    for (int j = 0; j < near->width; j++) {
        double value = near->values[j] * factor;
        if (near->raised[j] && value > NEAR_SMALL) return 0;
        if (0.0 < value && value < NEAR_TINY) {
            value = NEAR_TINY;
            near->raised[j] = 1;
        }
        near->values[j] = value;
    }
    return 1;
}

/* Multiply by the product of some rows, and sum up in any order. */
static Total near_step_anywhere(double *values, const float **rows, int many, float weight, int width) {
    Total total = {0.0, 0.0};
    double sums[LANES] = {0.0}, greatest[LANES] = {0.0};
    for (int j = 0; j < width; j += LANES) {
        float lanes[LANES];
        for (int k = 0; k < LANES; k++) lanes[k] = weight + rows[0][j + k];
        for (int i = 1; i < many; i++)
            for (int k = 0; k < LANES; k++) lanes[k] *= weight + rows[i][j + k];
        for (int k = 0; k < LANES; k++) {
            double value = values[j + k] * lanes[k];
            values[j + k] = value;
            sums[k] += value;
            greatest[k] = value > greatest[k] ? value : greatest[k];
        }
    }
    for (int k = 0; k < LANES; k++) {
        total.sum += sums[k];
        total.greatest = greatest[k] > total.greatest ? greatest[k] : total.greatest;
    }
    return total;
}

/* One trial, added to the sums: how many n-grams it takes; or that it is unsure, or that too few are drawn. */
static int near_trial_anywhere(Near *near, double weight) {
    const uint16_t *numbers = near->numbers + near->used;
    const float *rows[STEP];
    float scaled = (float)weight * NEAR_SCALE;
    Total total;
    double greatest[LANES] = {0.0};
    int drawn = 1, going, single;
    if (!near_look_ahead(near, near->used + NEAR_AHEAD, near->stride)) return NEAR_TOO_FEW;
    memcpy(near->values, near->before, near->width * sizeof(double));
    single = near_rows(near, numbers, 1, rows, near->stride);
    total = near->step(near->values, rows, 1, scaled, near->width);
    if (single) near_clear(near, numbers, 1);
    while ((going = near_goes_on(near, total, drawn)) > 0) {
        if (near_looks(drawn) && !near_raise(near, total.sum, drawn)) return NEAR_UNSURE;
        if (!near_look_ahead(near, near->used + drawn + NEAR_AHEAD, near->stride)) return NEAR_TOO_FEW;
        single = near_rows(near, numbers + drawn, STEP, rows, near->stride);
        total = near->step(near->values, rows, STEP, scaled, near->width);
        if (single) near_clear(near, numbers + drawn, STEP);
        drawn += STEP;
    }
    if (going < 0) return NEAR_UNSURE;
    double divided = 1.0 / total.sum, *values = near->values, *sums = near->sums;
    for (int j = 0; j < near->width; j += LANES)
        for (int k = 0; k < LANES; k++) {
            sums[j + k] += values[j + k] * divided;
            greatest[k] = sums[j + k] > greatest[k] ? sums[j + k] : greatest[k];
        }
    near->most = 0.0;
    for (int k = 0; k < LANES; k++) near->most = greatest[k] > near->most ? greatest[k] : near->most;
    near->used += drawn;
    return drawn;
}

#if defined(__GNUC__) && defined(__x86_64__)

__attribute__((target("avx2")))
static Total near_step_by_avx2(double *values, const float **rows, int many, float weight, int width) {
    __m256d sums = _mm256_setzero_pd(), greatest = sums;
    __m256 weights = _mm256_set1_ps(weight);
    for (int j = 0; j < width; j += 8) {
        __m256 eight = _mm256_add_ps(weights, _mm256_loadu_ps(rows[0] + j));
        if (many == STEP)
            for (int i = 1; i < STEP; i++)
                eight = _mm256_mul_ps(eight, _mm256_add_ps(weights, _mm256_loadu_ps(rows[i] + j)));
        __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(eight));
        __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(eight, 1));
        low = _mm256_mul_pd(low, _mm256_loadu_pd(values + j));
        high = _mm256_mul_pd(high, _mm256_loadu_pd(values + j + 4));
        _mm256_storeu_pd(values + j, low);
        _mm256_storeu_pd(values + j + 4, high);
        sums = _mm256_add_pd(sums, _mm256_add_pd(low, high));
        greatest = _mm256_max_pd(greatest, _mm256_max_pd(low, high));
    }
    __m128d sum = _mm_add_pd(_mm256_castpd256_pd128(sums), _mm256_extractf128_pd(sums, 1));
    __m128d most = _mm_max_pd(_mm256_castpd256_pd128(greatest), _mm256_extractf128_pd(greatest, 1));
    Total total = {_mm_cvtsd_f64(sum) + _mm_cvtsd_f64(_mm_unpackhi_pd(sum, sum)),
                   _mm_cvtsd_f64(_mm_max_sd(most, _mm_unpackhi_pd(most, most)))};
    return total;
}

__attribute__((target("avx512f")))
static int near_draw_by_avx512(Near *near, int drawn) {
    __m512i after = _mm512_add_epi32(_mm512_set1_epi32((int)near->place),
                                     _mm512_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16));
    __m512i count = _mm512_set1_epi32((int)near->count);
    __m128i shift = _mm_cvtsi32_si128(near->shift);
    for (int i = 0; i < NEAR_BATCH; i += 16) {
        __m512i indices = _mm512_srl_epi32(_mm512_loadu_si512(near->words + near->place + i), shift);
        __mmask16 below = _mm512_cmplt_epu32_mask(indices, count);
        _mm512_storeu_si512(near->places + drawn, _mm512_maskz_compress_epi32(below, indices));
        _mm512_storeu_si512(near->after + drawn, _mm512_maskz_compress_epi32(below, after));
        after = _mm512_add_epi32(after, _mm512_set1_epi32(16));
        drawn += __builtin_popcount(below);
    }
    return drawn;
}

/* All languages stay in registers over the trial, eight in each. */
#define NEAR_EACH(what) what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7)
#define NEAR_EACH_PAIR(what) what(0, 0, 1) what(1, 2, 3) what(2, 4, 5) what(3, 6, 7)
#define NEAR_TREE(what) \
    what(what(what(v0, v1), what(v2, v3)), what(what(v4, v5), what(v6, v7)))
#define NEAR_SUM _mm512_reduce_add_pd(NEAR_TREE(_mm512_add_pd))
#define NEAR_GREATEST _mm512_reduce_max_pd(NEAR_TREE(_mm512_max_pd))
#define NEAR_BEFORE(i) __m512d v##i = _mm512_loadu_pd(near->before + 8 * i);
#define NEAR_RAISE(i) { \
        v##i = _mm512_mul_pd(v##i, factors); \
        counts |= _mm512_cmp_pd_mask(v##i, _mm512_set1_pd(NEAR_SMALL), _CMP_GT_OQ) & (unsigned)(raised >> 8 * i); \
        __mmask8 low = _mm512_cmp_pd_mask(v##i, _mm512_set1_pd(NEAR_TINY), _CMP_LT_OQ); \
        low &= _mm512_cmp_pd_mask(v##i, _mm512_setzero_pd(), _CMP_GT_OQ); \
        v##i = _mm512_mask_mov_pd(v##i, low, _mm512_set1_pd(NEAR_TINY)); \
        raised |= (uint64_t)low << 8 * i; \
    }
#define NEAR_ADD(i) \
    v##i = _mm512_add_pd(_mm512_loadu_pd(near->sums + 8 * i), _mm512_mul_pd(v##i, factors)); \
    _mm512_storeu_pd(near->sums + 8 * i, v##i);
#define NEAR_FACTOR(row, i) _mm512_add_ps(weights, _mm512_load_ps(rows[row] + 16 * i))
#define NEAR_TIMES(low, high, product) \
    v##low = _mm512_mul_pd(v##low, _mm512_cvtps_pd(_mm512_castps512_ps256(product))); \
    v##high = _mm512_mul_pd(v##high, _mm512_cvtps_pd(_mm256_castpd_ps( \
        _mm512_extractf64x4_pd(_mm512_castps_pd(product), 1))));
#define NEAR_FIRST(i, low, high) { \
        __m512 factor = NEAR_FACTOR(0, i); \
        NEAR_TIMES(low, high, factor) \
    }
#define NEAR_STEP(i, low, high) { \
        __m512 product = _mm512_mul_ps(_mm512_mul_ps(_mm512_mul_ps(NEAR_FACTOR(0, i), NEAR_FACTOR(1, i)), \
                                                     _mm512_mul_ps(NEAR_FACTOR(2, i), NEAR_FACTOR(3, i))), \
                                       NEAR_FACTOR(4, i)); \
        NEAR_TIMES(low, high, product) \
    }

__attribute__((target("avx512f")))
static int near_trial_by_avx512(Near *near, double weight) {
    const uint16_t *numbers = near->numbers + near->used;
    const float *rows[STEP];
    __m512 weights = _mm512_set1_ps((float)weight * NEAR_SCALE);
    Total total;
    uint64_t raised = 0; /* languages, of nearly nothing */
    int drawn = 1, going, single;
    if (!near_look_ahead(near, near->used + NEAR_AHEAD, NEAR_LANGUAGES)) return NEAR_TOO_FEW;
    single = near_rows(near, numbers, 1, rows, NEAR_LANGUAGES);
    NEAR_EACH(NEAR_BEFORE)
    NEAR_EACH_PAIR(NEAR_FIRST)
    if (single) near_clear(near, numbers, 1);
    for (;;) {
        total.sum = NEAR_SUM;
        total.greatest = NEAR_GREATEST;
        going = near_goes_on(near, total, drawn);
        if (going <= 0) break;
        if (near_looks(drawn)) {
            __m512d factors = _mm512_set1_pd(1.0 / total.sum);
            __mmask8 counts = 0;
            NEAR_EACH(NEAR_RAISE)
            if (counts) return NEAR_UNSURE;
        }
        if (!near_look_ahead(near, near->used + drawn + NEAR_AHEAD, NEAR_LANGUAGES)) return NEAR_TOO_FEW;
        single = near_rows(near, numbers + drawn, STEP, rows, NEAR_LANGUAGES);
        NEAR_EACH_PAIR(NEAR_STEP)
        if (single) near_clear(near, numbers + drawn, STEP);
        drawn += STEP;
    }
    if (going < 0) return NEAR_UNSURE;
    __m512d factors = _mm512_set1_pd(1.0 / total.sum);
    NEAR_EACH(NEAR_ADD)
    near->most = NEAR_GREATEST;
    near->used += drawn;
    return drawn;
}

#endif

/* One trial, added to the sums: how many n-grams it takes; or that it is unsure, or that there are too few words. */
static int near_try(Near *near, double weight) {
    for (int needed = NEAR_DRAWN;; needed *= 2) {
        if (!near_draw(near, near->used + needed)) return NEAR_NO_WORDS;
        int many = near->trial(near, weight);
        if (many != NEAR_TOO_FEW) return many;
    }
}

/* How trials are made here: by vectors of at most so many floats. */
static void near_choose(Near *near, int lanes) {
    near->trial = near_trial_anywhere;
    near->step = near_step_anywhere;
    near->draw = near_draw_anywhere;
#if defined(__GNUC__) && defined(__x86_64__)
    if (lanes >= 8 && processor_has(HAS_AVX2)) near->step = near_step_by_avx2;
    if (lanes >= 16 && processor_has(HAS_AVX512)) {
        near->draw = near_draw_by_avx512;
        if (near->stride == NEAR_LANGUAGES) near->trial = near_trial_by_avx512;
    }
#else
    (void)lanes;
#endif
}
