/* The native kernels: softmax's sums in one pass over the logits, and sums without rounding.
 *
 * `odds.py`, `normaliser.py`, `moments.py`, `divergence.py`, `exact.py` and `dot.py` have the same functions in NumPy,
 * which say what these compute. The loops are plain, but for `TURN`: compilers make vectors of them, once for each
 * level of instructions. They do so only where nothing in a loop can become a branch; `-fopt-info-vec-missed` says
 * where they do not. Every level does the same operations in the same order, with fused multiply-adds where `fma`
 * stands and nowhere else, so that all of them give the same bits.
 */

#ifndef Py_GIL_DISABLED /* which has no limited API yet */
#define Py_LIMITED_API 0x030B0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if !defined(__GNUC__) || !defined(__SIZEOF_INT128__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "this is written for GCC and Clang and for little-endian processors; elsewhere NumPy does the work"
#endif

#define INLINE static inline __attribute__((always_inline))
#define ALIGNED __attribute__((aligned(64)))
#define UNROLLED _Pragma("GCC unroll 4")
#define fma __builtin_fma
#define LEAST(a, b) ((a) < (b) ? (a) : (b))
#define MOST(a, b) ((a) > (b) ? (a) : (b))

/* The terms of a sample are added up in LANES sums, TILE terms at a time; these are added up in LANES sums again. */
#define LANES 8
#define TILE 1024
/* Samples side by side where every class is a column. */
#define WIDTH 128
/* Fewer classes than this are added up one after the other: the lanes of a row would outweigh them. */
#define FEW 24
/* Rows of fewer classes than this are turned into columns, which takes less time than to finish each row by itself. */
#define NARROW 80

/* ---- Numbers ------------------------------------------------------------------------------------------------- */

enum kind { FLOAT64, FLOAT32, FLOAT16, BFLOAT16 };
static const size_t SIZE[] = {8, 4, 2, 2};

#define VIEW(name, to, from) \
    INLINE to name(from value) { to viewed; memcpy(&viewed, &value, sizeof viewed); return viewed; }
VIEW(double_of, double, uint64_t)
VIEW(bits_of, uint64_t, double)
VIEW(float_of, float, uint32_t)
VIEW(bits_of_float, uint32_t, float)

INLINE double bfloat16_of(uint16_t bits) { return float_of((uint32_t)bits << 16); }

/* float32's bias is larger by 112; the product makes the subnormals right, too. Infinities and NaN keep the largest
 * exponent. */
INLINE double float16_of(uint16_t bits)
{
    uint32_t size = (uint32_t)(bits & 0x7fff) << 13;
    uint32_t scaled = bits_of_float(float_of(size) * 0x1p112f);
    return float_of((size < 0x7c00 << 13 ? scaled : size | 0x7f800000) | (uint32_t)(bits & 0x8000) << 16);
}

#define WIDEN(UINT, SWAP, VALUE)                           \
    for (size_t i = 0; i < n; i++) {                       \
        UINT bits;                                         \
        memcpy(&bits, from + i * sizeof bits, sizeof bits); \
        out[i] = VALUE(swapped ? SWAP(bits) : bits);       \
    }

/* `n` numbers as a file has them, as float64; `swapped` says that their bytes are in the other order. */
INLINE void widen(double *restrict out, const char *restrict from, size_t n, int kind, int swapped)
{
    switch (kind) {
    case FLOAT64: WIDEN(uint64_t, __builtin_bswap64, double_of) break;
    case FLOAT32: WIDEN(uint32_t, __builtin_bswap32, float_of) break;
    case FLOAT16: WIDEN(uint16_t, __builtin_bswap16, float16_of) break;
    case BFLOAT16: WIDEN(uint16_t, __builtin_bswap16, bfloat16_of) break;
    }
}

/* x = k ln 2 + r with |r| <= ln(2) / 2: ln 2 is in two parts, and k times the first of them is exact (Cody
 * and Waite, Software Manual for the Elementary Functions, 1980). At `ONES`, the last bit of a number counts ones. */
#define ONES 0x1.8p52
#define REDUCE(x)                                             \
    double shifted = fma(x, 0x1.71547652b82fep+0, ONES);      \
    double k = shifted - ONES;                                \
    double r = fma(k, -0x1.62e42fefa3800p-1, x);              \
    r = fma(k, -0x1.ef35793c76730p-45, r);

/* (exp(r) - 1 - r) / r^2, by the polynomial of the next function. */
INLINE double tail(double r)
{
    double p = 0x1.1f66f85dfa20ap-29;
    p = fma(p, r, 0x1.af38d53857513p-26);
    p = fma(p, r, 0x1.27e4e1ea0f53ap-22);
    p = fma(p, r, 0x1.71de0d9c145d0p-19);
    p = fma(p, r, 0x1.a01a01a47db6fp-16);
    p = fma(p, r, 0x1.a01a01a7c8d47p-13);
    p = fma(p, r, 0x1.6c16c16c167dep-10);
    p = fma(p, r, 0x1.11111111109adp-7);
    p = fma(p, r, 0x1.5555555555555p-5);
    p = fma(p, r, 0x1.5555555555556p-3);
    return fma(p, r, 0.5);
}

/* exp(r), by a polynomial that is near to the minimax one: with the reduction within 0.86 units in the last place. */
INLINE double polynomial(double r) { return fma(fma(tail(r), r, 1.0), r, 1.0); }

/* 2^k, for the `shifted` of a reduction whose k, with `more` added, is from -1022 to 1023. */
INLINE double power_of_two(double shifted, uint64_t more)
{
    return double_of((bits_of(shifted) + more + 1023) << 52);
}

/* `value`, or 0 where `x` is less than `least`: by its bits, as compilers would make a branch of a choice. */
INLINE double zero_below(double least, double x, double value)
{
    uint64_t kept = x < least ? 0 : UINT64_MAX;
    return double_of(bits_of(value) & kept);
}

/* One value or the other: `kept` has all bits, or none. */
INLINE double either(uint64_t kept, double value, double other)
{
    return double_of((bits_of(value) & kept) | (bits_of(other) & ~kept));
}

/* exp(x) for x up to 709, 0 below -708, NaN for NaN; the result for a larger x means nothing. */
INLINE double exp_of(double x)
{
    REDUCE(x)
    return zero_below(-708.0, x, polynomial(r) * power_of_two(shifted, 0));
}

/* (x - most) / temperature, and what rounds in the difference (Knuth's two-sum) and in the quotient. */
struct gap { double high, low; };

INLINE struct gap gap_below(double x, double most, double temperature)
{
    double gap = x - most, back = gap + most;
    double low = (x - back) - (most - (back - gap));
    if (temperature == 1.0)
        return (struct gap){gap, low};
    double quotient = gap / temperature;
    return (struct gap){quotient, (fma(-quotient, temperature, gap) + low) / temperature};
}

/* Exponentials of less than this are 0. */
#define LEAST_GAP -750.0

/* exp of a gap up to 0, however small: scaled in two steps, rounded once. */
INLINE double exp_of_gap(struct gap gap)
{
    REDUCE(gap.high)
    return zero_below(LEAST_GAP, gap.high, polynomial(r + gap.low) * power_of_two(shifted, 200) * 0x1p-200);
}

/* exp((x - most) / temperature) for x up to `most`. */
INLINE double exp_below(double x, double most, double temperature)
{
    return exp_of_gap(gap_below(x, most, temperature));
}

/* Call an inline function with a temperature, and where that is 1 with the constant, which leaves its divisions out. */
#define AT(temperature, function, x, ...)          \
    {                                              \
        if (temperature == 1.0)                    \
            function(x, 1.0, __VA_ARGS__);         \
        else                                       \
            function(x, temperature, __VA_ARGS__); \
    }

/* ---- Logits of samples over classes -------------------------------------------------------------------------- */

/* Samples are rows of classes side by side (`step` is 0), or classes are columns `step` bytes apart. */
struct logits {
    const char *data;
    size_t n, n_classes, step;
    int kind, swapped;
};

INLINE void widen_row(double *out, const struct logits *x, size_t sample, size_t first, size_t n)
{
    widen(out, x->data + (sample * x->n_classes + first) * SIZE[x->kind], n, x->kind, x->swapped);
}

/* Numbers that are not side by side are copied one by one: to gather them in vectors takes twice as long. */
#define COPY(UINT, to, from)                        \
    {                                               \
        memcpy(to, from, sizeof(UINT));             \
        __asm__ volatile(""); /* keeps vectors out */ \
    }

#ifdef __clang__
#define MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MIX(a, b, ...) __builtin_shuffle(a, b, (four){__VA_ARGS__})
#endif

/* Turn the classes of `m` rows into columns, WIDTH apart: four by four, of which the last may be some once more. */
#define TURN(UINT)                                                                                   \
    {                                                                                                \
        typedef UINT four __attribute__((vector_size(4 * sizeof(UINT))));                            \
        size_t whole = n_classes < 4 ? 0 : m / 4 * 4;                                                \
        for (size_t i = 0; i < whole; i += 4)                                                        \
            for (size_t c = 0; c < n_classes; c += 4) {                                              \
                size_t first = LEAST(c, n_classes - 4);                                              \
                four r[4];                                                                           \
                for (size_t k = 0; k < 4; k++)                                                       \
                    memcpy(&r[k], rows + ((i + k) * n_classes + first) * sizeof(UINT), sizeof *r);   \
                four low[2] = {MIX(r[0], r[1], 0, 4, 1, 5), MIX(r[2], r[3], 0, 4, 1, 5)};            \
                four high[2] = {MIX(r[0], r[1], 2, 6, 3, 7), MIX(r[2], r[3], 2, 6, 3, 7)};           \
                four turned[4] = {MIX(low[0], low[1], 0, 1, 4, 5), MIX(low[0], low[1], 2, 3, 6, 7),  \
                                  MIX(high[0], high[1], 0, 1, 4, 5), MIX(high[0], high[1], 2, 3, 6, 7)}; \
                for (size_t k = 0; k < 4; k++)                                                       \
                    memcpy(columns + ((first + k) * WIDTH + i) * sizeof(UINT), &turned[k], sizeof *r); \
            }                                                                                        \
        for (size_t c = 0; c < n_classes; c++)                                                       \
            for (size_t i = whole; i < m; i++)                                                       \
                COPY(UINT, columns + (c * WIDTH + i) * sizeof(UINT), rows + (i * n_classes + c) * sizeof(UINT)) \
    }

INLINE void turn(char *restrict columns, const char *restrict rows, size_t m, size_t n_classes, size_t size)
{
    switch (size) {
    case 8: TURN(uint64_t) break;
    case 4: TURN(uint32_t) break;
    case 2: TURN(uint16_t) break;
    }
}

/* Up to WIDTH samples from number `start` on, of which classes are columns: those of few classes in `room`. */
INLINE struct logits columns_of(const struct logits *x, size_t start, char *room)
{
    struct logits part = *x;
    size_t size = SIZE[x->kind];
    part.n = LEAST(WIDTH, x->n - start);
    part.data += start * size * (x->step ? 1 : x->n_classes);
    if (!x->step) {
        turn(room, part.data, part.n, x->n_classes, size);
        part.data = room;
        part.step = WIDTH * size;
    }
    return part;
}

/* Fetch what is read next while the processor computes: it does not guess so far ahead. */
INLINE void fetch(const char *next, size_t n)
{
    for (size_t i = 0; i < n; i += 64)
        __builtin_prefetch(next + i);
}

/* The rows of up to WIDTH samples from number `start` on, if they are rows, where many sums are written meanwhile. */
INLINE void fetch_rows(const struct logits *x, size_t start)
{
    size_t row = x->n_classes * SIZE[x->kind];
    if (!x->step)
        fetch(x->data + start * row, LEAST(WIDTH, x->n - start) * row);
}

/* So many columns ahead are fetched. */
#define AHEAD 2

INLINE void widen_column(double *restrict out, const struct logits *x, size_t c)
{
    const char *column = x->data + c * x->step;
    if (c + AHEAD < x->n_classes)
        fetch(column + AHEAD * x->step, x->n * SIZE[x->kind]);
    widen(out, column, x->n, x->kind, x->swapped);
}

#define PICK(UINT)                                                                                    \
    UNROLLED                                                                                          \
    for (size_t i = 0; i < x->n; i++)                                                                 \
        COPY(UINT, picked + i * sizeof(UINT), x->data + (size_t)classes[i] * x->step + i * sizeof(UINT))

/* The logit of one of the `classes` each, which are columns. */
INLINE void pick(double *restrict out, const struct logits *x, const int64_t *classes)
{
    ALIGNED char picked[WIDTH * sizeof *out];
    switch (SIZE[x->kind]) {
    case 8: PICK(uint64_t) break;
    case 4: PICK(uint32_t) break;
    case 2: PICK(uint16_t) break;
    }
    widen(out, picked, x->n, x->kind, x->swapped);
}

/* Add the terms of a row to its sums: they come in runs of TILE, but for the last. */
INLINE void add_terms(double *restrict sums, const double *restrict terms, size_t n)
{
    double low[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            low[l] += terms[i + l];
    for (int l = 0; i + l < n; l++)
        low[l] += terms[i + l];
    for (int l = 0; l < LANES; l++)
        sums[l] += low[l];
}

/* Add the powers of logits to the sums of a row in the same way. */
INLINE void add_powers(double *restrict sums, const double *restrict logits, size_t n)
{
    double low[LANES] = {0};
    size_t i = 0;
    UNROLLED
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            low[l] += exp_of(logits[i + l]);
    for (int l = 0; i + l < n; l++)
        low[l] += exp_of(logits[i + l]);
    for (int l = 0; l < LANES; l++)
        sums[l] += low[l];
}

INLINE double sum_of_lanes(const double *s, size_t step)
{
    return ((s[0] + s[4 * step]) + (s[2 * step] + s[6 * step])) + ((s[step] + s[5 * step]) + (s[3 * step] + s[7 * step]));
}

/* ---- The odds against the targets ---------------------------------------------------------------------------- */

/* Powers of logits within these bounds, and sums and quotients of them, keep all digits. */
#define LARGEST_LOGIT 345.0
#define LARGEST_POWER 0x1.aaf28dab31a5bp+497 /* its exponential, rounded down */

enum { WRONG, RIGHT, OUTSIDE }; /* `found_of` and Python rely on these numbers */
struct odds { const int64_t *targets; double *against; uint8_t *found; };

/* Whether the power of a target and the sum of the others are within bounds. This and what follows from it has no
 * branches, which random targets would mislead. */
INLINE int64_t is_inside(double own, double others)
{
    const double least = 1 / LARGEST_POWER;
    return (own >= least) & (own <= LARGEST_POWER) & (others >= least) & (others <= LARGEST_POWER);
}

/* What is found of a sample, of which each of the arguments is 0 or 1; `beaten` says that another class comes first. */
INLINE uint8_t found_of(int64_t inside, int64_t beaten) { return (uint8_t)(OUTSIDE - inside - (inside & beaten)); }

INLINE double logit_of(const struct logits *x, size_t sample, size_t c)
{
    double logit = 0;
    size_t place = x->step ? c * x->step + sample * SIZE[x->kind] : (sample * x->n_classes + c) * SIZE[x->kind];
    widen(&logit, x->data + place, 1, x->kind, x->swapped);
    return logit;
}

/* Whether a class before the target of a sample has its logit. */
INLINE int is_tied_before(const struct logits *x, size_t sample, size_t target, double own)
{
    for (size_t c = 0; c < target; c++)
        if (logit_of(x, sample, c) == own)
            return 1;
    return 0;
}

/* The largest of `most` and `n` numbers; NaN is none. */
INLINE double largest(double most, const double *restrict x, size_t n)
{
    double lanes[4 * LANES];
    size_t i = 0;
    for (int l = 0; l < 4 * LANES; l++)
        lanes[l] = most;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int l = 0; l < 4 * LANES; l++)
            lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    for (int l = 0; i + l < n; l++)
        lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    for (int l = 0; l < 4 * LANES; l++)
        most = lanes[l] > most ? lanes[l] : most;
    return most;
}

/* Runs of a row, or several rows that are shorter than a run together. */
INLINE size_t odds_of_rows(const struct logits *x, const struct odds *odds)
{
    ALIGNED double logits[TILE];
    size_t outside = 0, n_classes = x->n_classes, at_once = n_classes < TILE ? TILE / n_classes : 1;
    for (size_t start = 0; start < x->n; start += at_once) {
        size_t n_rows = LEAST(at_once, x->n - start);
        double sums[LANES] = {0}, most = -INFINITY;
        for (size_t first = 0; first < n_classes; first += TILE) {
            size_t n = LEAST(TILE, n_classes - first);
            widen_row(logits, x, start, first, n_rows * n);
            for (size_t row = 0; row < n_rows; row++)
                if ((size_t)odds->targets[start + row] - first < n)
                    logits[row * n + (size_t)odds->targets[start + row] - first] = -INFINITY;
            for (size_t row = 0; row < n_rows; row++) {
                size_t sample = start + row, target = (size_t)odds->targets[sample];
                most = largest(most, logits + row * n, n);
                add_powers(sums, logits + row * n, n);
                if (first + n < n_classes)
                    break; /* more runs of this one row follow */
                double own = logit_of(x, sample, target), power = exp_of(own), others = sum_of_lanes(sums, 1);
                int64_t beaten = own < most || (own == most && is_tied_before(x, sample, target, own));
                int64_t inside = is_inside(power, others) & (own <= LARGEST_LOGIT) & (most <= LARGEST_LOGIT);
                odds->against[sample] = others / power;
                odds->found[sample] = found_of(inside, beaten);
                outside += !inside;
                memset(sums, 0, sizeof sums);
                most = -INFINITY;
            }
        }
    }
    return outside;
}

/* One sum or more of the terms of WIDTH samples, which come class by class: (LANES, width), in `room` of twice as many;
 * fewer classes than FEW use one lane. */
struct column_sums { double *low, *high; size_t width; int few; };

INLINE struct column_sums column_sums(double *room, size_t n_sums, size_t n_classes)
{
    size_t width = n_sums * WIDTH;
    return (struct column_sums){room, room + LANES * width, width, n_classes < FEW};
}

INLINE double *lane_of(const struct column_sums *sums, size_t c)
{
    return sums->low + (sums->few ? 0 : c % LANES * sums->width);
}

INLINE void clear_columns(const struct column_sums *sums)
{
    memset(sums->low, 0, sums->width * (sums->few ? 1 : LANES) * sizeof *sums->low);
    if (!sums->few)
        memset(sums->high, 0, sums->width * LANES * sizeof *sums->high);
}

INLINE void carry_columns(const struct column_sums *sums)
{
    double *restrict low = sums->low, *restrict high = sums->high;
    for (size_t i = 0; i < LANES * sums->width; i++) {
        high[i] += low[i];
        low[i] = 0;
    }
}

/* The sums of the samples, (width). */
INLINE const double *add_up_columns(const struct column_sums *sums)
{
    if (sums->few)
        return sums->low;
    carry_columns(sums);
    for (size_t i = 0; i < sums->width; i++)
        sums->high[i] = sum_of_lanes(sums->high + i, sums->width);
    return sums->high;
}

INLINE size_t odds_of_columns(const struct logits *x, const struct odds *odds)
{
    ALIGNED char room[NARROW * WIDTH * sizeof(double)];
    ALIGNED double logits[WIDTH], own[WIDTH], most[WIDTH];
    ALIGNED double of_columns[2 * LANES * WIDTH];
    const struct column_sums sums = column_sums(of_columns, 1, x->n_classes);
    size_t outside = 0;
    for (size_t start = 0; start < x->n; start += WIDTH) {
        const struct logits part = columns_of(x, start, room);
        size_t m = part.n;
        const int64_t *targets = odds->targets + start;
        clear_columns(&sums);
        for (size_t i = 0; i < WIDTH; i++)
            most[i] = -INFINITY;
        for (size_t c = 0; c < x->n_classes; c++) {
            double *low = lane_of(&sums, c);
            widen_column(logits, &part, c);
            for (size_t i = 0; i < m; i++) {
                logits[i] = targets[i] == (int64_t)c ? -INFINITY : logits[i];
                most[i] = logits[i] > most[i] ? logits[i] : most[i];
            }
            UNROLLED
            for (size_t i = 0; i < m; i++)
                low[i] += exp_of(logits[i]);
            if (c % TILE == TILE - 1)
                carry_columns(&sums);
        }
        const double *others = add_up_columns(&sums);
        pick(own, &part, targets);
        double *restrict against = odds->against + start;
        uint8_t *restrict kept = odds->found + start;
        int64_t n_inside = 0, tied = 0;
        for (size_t i = 0; i < m; i++) {
            double power = exp_of(own[i]);
            int64_t inside = is_inside(power, others[i]) & (own[i] <= LARGEST_LOGIT) & (most[i] <= LARGEST_LOGIT);
            against[i] = others[i] / power;
            kept[i] = found_of(inside, own[i] < most[i]);
            n_inside += inside;
            tied |= own[i] == most[i];
        }
        outside += m - (size_t)n_inside;
        for (size_t i = 0; tied && i < m; i++)
            if (kept[i] == RIGHT && own[i] == most[i])
                kept[i] = !is_tied_before(&part, i, (size_t)targets[i], own[i]);
    }
    return outside;
}

INLINE size_t find_odds(const struct logits *x, const struct odds *odds)
{
    return x->step || x->n_classes < NARROW ? odds_of_columns(x, odds) : odds_of_rows(x, odds);
}

/* ---- The normalisers of samples, and more sums of the same terms --------------------------------------------- */

/* What is added up over the classes: with PLAIN one sum, and with the others more, of which `native.pyi` says what. */
enum extent { PLAIN, SURVEY, MOMENTS };
#define N_POWERS 8 /* as `moments.py` has it */
#define MOST_SUMS (2 + N_POWERS)
static const size_t N_SUMS[] = {1, 5, MOST_SUMS};

/* The sums are (N_SUMS, n). */
struct normaliser { double *maximum, *sums; int64_t *top; };

/* The exponential of a class; for MOMENTS its scaled gap takes the place of the logit. */
INLINE double exp_of_class(double *logit, double most, double temperature, enum extent extent)
{
    struct gap gap = gap_below(*logit, most, temperature);
    if (extent == MOMENTS)
        *logit = zero_below(LEAST_GAP, gap.high, gap.high);
    return exp_of_gap(gap);
}

/* Add `n` times LANES terms, `step` from one to the next, to sums that are `apart`, held in registers meanwhile. The
 * terms are of the exponentials `powers`, and of `others`: scaled gaps for MOMENTS, else logits, of which the top's is
 * -inf. */
INLINE void add_lanes(double *sums, size_t apart, const double *powers, const double *others, const double *most,
                      size_t n, size_t step, enum extent extent)
{
    double low[MOST_SUMS][LANES];
    for (size_t s = 0; s < N_SUMS[extent]; s++)
        memcpy(low[s], sums + s * apart, sizeof low[s]);
    for (size_t i = 0; i < n * step; i += step)
        _Pragma("GCC unroll 1") /* as a loop, vectors are made of all of it */
        for (int l = 0; l < LANES; l++) {
            double power = powers[i + l], other = others[i + l];
            low[0][l] += power;
            low[1][l] += power * power;
            if (extent == SURVEY) {
                low[2][l] += zero_below(-DBL_MAX, other, other - most[l]);
                low[3][l] += zero_below(-DBL_MAX, other, 1.0);
                low[4][l] += zero_below(most[l], other, 1.0);
            }
            for (int k = 0; extent == MOMENTS && k < N_POWERS; k++)
                low[2 + k][l] += power *= other;
        }
    for (size_t s = 0; s < N_SUMS[extent]; s++)
        memcpy(sums + s * apart, low[s], sizeof low[s]);
}

/* The first place of a value that is among these. */
INLINE size_t place_of(double value, const double *x, size_t n)
{
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        int64_t found = 0;
        for (int l = 0; l < 4 * LANES; l++)
            found |= x[i + l] == value;
        if (found)
            break;
    }
    while (x[i] != value)
        i++;
    return i;
}

/* Keep the largest of `n` logits and its first place, and whether one of them is NaN; a run of a row at a time. */
INLINE void see_logits(const double *restrict logits, size_t n, size_t first, double *most, int64_t *top, int64_t *nan)
{
    ALIGNED double lanes[TILE / 4];
    double found = *most;
    size_t width = LEAST(n, TILE / 4);
    for (size_t i = 0; i < width; i++)
        lanes[i] = -INFINITY;
    for (size_t from = 0; from < n; from += width)
        for (size_t i = 0; i < LEAST(width, n - from); i++) {
            lanes[i] = logits[from + i] > lanes[i] ? logits[from + i] : lanes[i];
            *nan |= logits[from + i] != logits[from + i];
        }
    for (size_t i = 0; i < width; i++)
        found = lanes[i] > found ? lanes[i] : found;
    if (found > *most)
        *top = (int64_t)(first + place_of(found, logits, n));
    *most = found;
}

/* Add the terms of a run of a row to its sums, as `add_terms` does. */
INLINE void add_run(double sums[][LANES], const double *powers, const double *others, const double *most, size_t n,
                    enum extent extent)
{
    double low[MOST_SUMS][LANES] = {0};
    add_lanes(low[0], LANES, powers, others, most, n / LANES, LANES, extent);
    for (size_t s = 0; s < N_SUMS[extent]; s++)
        for (int l = 0; l < LANES; l++)
            sums[s][l] += low[s][l];
}

INLINE void normalise_rows(const struct logits *x, double temperature, enum extent extent, const struct normaliser *out)
{
    ALIGNED double logits[TILE], powers[TILE];
    for (size_t sample = 0; sample < x->n; sample++) {
        double most = -INFINITY, mosts[LANES], sums[MOST_SUMS][LANES] = {0};
        int64_t top = 0, nan = 0;
        for (size_t first = 0; first < x->n_classes; first += TILE) {
            size_t n = LEAST(TILE, x->n_classes - first);
            widen_row(logits, x, sample, first, n);
            see_logits(logits, n, first, &most, &top, &nan);
        }
        for (int l = 0; l < LANES; l++)
            mosts[l] = most;
        for (size_t first = 0; first < x->n_classes; first += TILE) {
            size_t n = LEAST(TILE, x->n_classes - first);
            widen_row(logits, x, sample, first, n);
            if ((size_t)top - first < n)
                logits[(size_t)top - first] = -INFINITY;
            for (; n % LANES; n++)
                logits[n] = -INFINITY;
            for (size_t i = 0; i < n; i++)
                powers[i] = exp_of_class(&logits[i], most, temperature, extent);
            if (extent == PLAIN)
                add_terms(sums[0], powers, n);
            else
                add_run(sums, powers, logits, mosts, n, extent);
        }
        out->maximum[sample] = nan ? NAN : most + 0.0; /* never -0 */
        for (size_t s = 0; s < N_SUMS[extent]; s++)
            out->sums[s * x->n + sample] = sum_of_lanes(sums[s], 1);
        out->top[sample] = top;
    }
}

/* So many columns are added up together. */
#define BATCH 32

/* Add the terms of `n` columns of `m` samples; where these do not fill LANES, what is in the others is not used. */
INLINE void add_batch(const struct column_sums *sums, double powers[][WIDTH], double others[][WIDTH],
                      const double *most, size_t n, size_t m, enum extent extent)
{
    size_t n_lanes = sums->few ? 1 : LEAST(LANES, n);
    for (size_t lane = 0; lane < n_lanes; lane++)
        for (size_t i = 0; i < m; i += LANES)
            add_lanes(lane_of(sums, lane) + i, WIDTH, powers[lane] + i, others[lane] + i, most + i,
                      (n - lane + n_lanes - 1) / n_lanes, n_lanes * WIDTH, extent);
}

INLINE void normalise_columns(const struct logits *x, double temperature, enum extent extent,
                              const struct normaliser *out)
{
    ALIGNED char room[NARROW * WIDTH * sizeof(double)];
    ALIGNED double columns[BATCH][WIDTH], powers[BATCH][WIDTH], most[WIDTH];
    ALIGNED int64_t top[WIDTH], nan[WIDTH];
    ALIGNED double of_columns[2 * LANES * WIDTH * MOST_SUMS];
    const struct column_sums sums = column_sums(of_columns, N_SUMS[extent], x->n_classes);
    for (size_t start = 0; start < x->n; start += WIDTH) {
        const struct logits part = columns_of(x, start, room);
        size_t m = part.n;
        if (extent != PLAIN)
            fetch_rows(x, start + m);
        clear_columns(&sums);
        for (size_t i = 0; i < m; i++) {
            most[i] = -INFINITY;
            top[i] = nan[i] = 0;
        }
        for (size_t c = 0; c < x->n_classes; c++) {
            double *logits = columns[0];
            widen_column(logits, &part, c);
            for (size_t i = 0; i < m; i++) {
                top[i] = logits[i] > most[i] ? (int64_t)c : top[i];
                most[i] = logits[i] > most[i] ? logits[i] : most[i];
                nan[i] |= logits[i] != logits[i];
            }
        }
        for (size_t c = 0; c < x->n_classes; c++) {
            size_t place = extent == PLAIN ? 0 : c % BATCH;
            double *logits = columns[place], *low = lane_of(&sums, c);
            widen_column(logits, &part, c);
            for (size_t i = 0; i < m; i++)
                logits[i] = top[i] == (int64_t)c ? -INFINITY : logits[i];
            if (extent == PLAIN)
                for (size_t i = 0; i < m; i++)
                    low[i] += exp_below(logits[i], most[i], temperature);
            else {
                for (size_t i = 0; i < m; i++)
                    powers[place][i] = exp_of_class(&logits[i], most[i], temperature, extent);
                if (place == BATCH - 1 || c == x->n_classes - 1)
                    add_batch(&sums, powers, columns, most, place + 1, m, extent);
            }
            if (c % TILE == TILE - 1)
                carry_columns(&sums);
        }
        const double *found = add_up_columns(&sums);
        for (size_t i = 0; i < m; i++) {
            out->maximum[start + i] = nan[i] ? NAN : most[i] + 0.0;
            out->top[start + i] = top[i];
            out->sums[start + i] = found[i];
        }
        for (size_t s = 1; s < N_SUMS[extent]; s++)
            memcpy(out->sums + s * x->n + start, found + s * WIDTH, m * sizeof(double));
    }
}

INLINE void find_normaliser(const struct logits *x, double temperature, enum extent extent,
                            const struct normaliser *out)
{
    if (x->step || x->n_classes < NARROW)
        AT(temperature, normalise_columns, x, extent, out)
    else
        AT(temperature, normalise_rows, x, extent, out)
}

/* ---- The divergence of two models ---------------------------------------------------------------------------- */

/* The logits of a model: p_c = exp(x_c / temperature - log_sum), with one log_sum a sample. */
struct model { struct logits x; double temperature; const double *log_sums; };
struct pair { struct model a, b; double *kl; uint8_t *same_top; };

/* 1 / temperature of both models, and the first of these over the second. */
struct scales { double a, b, ratio; };

/* What a class adds to the divergence, given its logits and both log_sums: p_A (log p_A - log p_B), as both p add up
 * to 1 over the classes; or, with care, p_A (exp(r) - 1 - r) with r = log p_B - log p_A, of which every digit is right.
 * r is from the difference of the logits, so that nothing of a small one is lost. A p_A below exp(-708) is 0. */
INLINE double divergence_term(double x, double y, double sum_a, double sum_b, struct scales s, int careful)
{
    double a = fma(x, s.a, -sum_a), fall = fma(fma(x, s.ratio, -y), s.b, sum_b - sum_a);
    double p = exp_of(a), lost = p * zero_below(-708.0, a, fall);
    if (!careful)
        return lost;
    double b = fma(y, s.b, -sum_b);
    uint64_t near = __builtin_fabs(fall) < 0.34 ? UINT64_MAX : 0; /* the k of the reduction is 0 */
    double exponent = either(near, -fall, b);
    REDUCE(exponent)
    double rest = tail(r), q = fma(fma(rest, r, 1.0), r, 1.0) * power_of_two(shifted, 0);
    return either(near, p * (fall * fall * rest), (zero_below(-708.0, exponent, q) - p) + lost);
}

/* Whether the terms without care leave less than some 10 digits of a divergence: they and the log_sums are rounded. */
INLINE int is_rough(double kl, double sum_a, double sum_b)
{
    return !(kl >= 0x1p-18 * (1.0 + __builtin_fabs(sum_a) + __builtin_fabs(sum_b)));
}

/* In the lanes of a run of a row: the sums of its terms, and the largest logits of both models. */
struct run { double sums[LANES], most_a[LANES], most_b[LANES]; };

INLINE void add_class(struct run *run, int lane, double x, double y, double sum_a, double sum_b, struct scales s,
                      int careful)
{
    run->most_a[lane] = x > run->most_a[lane] ? x : run->most_a[lane];
    run->most_b[lane] = y > run->most_b[lane] ? y : run->most_b[lane];
    run->sums[lane] += divergence_term(x, y, sum_a, sum_b, s, careful);
}

/* The largest logit of a row so far and its first place. */
struct top { double most; size_t place; };

INLINE void see_run(struct top *top, const double *lanes, const double *logits, size_t n, size_t first)
{
    double found = top->most;
    for (int l = 0; l < LANES; l++)
        found = lanes[l] > found ? lanes[l] : found;
    if (found > top->most)
        top->place = first + place_of(found, logits, n);
    top->most = found;
}

INLINE double diverge_row(const struct pair *pair, size_t sample, struct scales s, int careful)
{
    ALIGNED double x[TILE], y[TILE];
    struct top top_a = {-INFINITY, 0}, top_b = top_a;
    double sums[LANES] = {0}, sum_a = pair->a.log_sums[sample], sum_b = pair->b.log_sums[sample];
    for (size_t first = 0; first < pair->a.x.n_classes; first += TILE) {
        size_t n = LEAST(TILE, pair->a.x.n_classes - first), i = 0;
        struct run run;
        for (int l = 0; l < LANES; l++) {
            run.sums[l] = 0;
            run.most_a[l] = run.most_b[l] = -INFINITY;
        }
        widen_row(x, &pair->a.x, sample, first, n);
        widen_row(y, &pair->b.x, sample, first, n);
        UNROLLED
        for (; i + LANES <= n; i += LANES)
            for (int l = 0; l < LANES; l++)
                add_class(&run, l, x[i + l], y[i + l], sum_a, sum_b, s, careful);
        for (int l = 0; i + l < n; l++)
            add_class(&run, l, x[i + l], y[i + l], sum_a, sum_b, s, careful);
        for (int l = 0; l < LANES; l++)
            sums[l] += run.sums[l];
        see_run(&top_a, run.most_a, x, n, first);
        see_run(&top_b, run.most_b, y, n, first);
    }
    pair->same_top[sample] = top_a.place == top_b.place;
    return sum_of_lanes(sums, 1);
}

INLINE void diverge_rows(const struct pair *pair, struct scales s)
{
    for (size_t i = 0; i < pair->a.x.n; i++) {
        pair->kl[i] = diverge_row(pair, i, s, 0);
        if (is_rough(pair->kl[i], pair->a.log_sums[i], pair->b.log_sums[i]))
            pair->kl[i] = diverge_row(pair, i, s, 1);
    }
}

/* Up to WIDTH samples, of which classes are columns: only what is rough in `kl` is replaced. The largest logits are of
 * one class where the last class that was larger than all before it is the same. */
INLINE void diverge_part(const struct pair *part, struct scales s, int careful)
{
    ALIGNED double x[WIDTH], y[WIDTH], most_a[WIDTH], most_b[WIDTH];
    ALIGNED int64_t same[WIDTH];
    ALIGNED double of_columns[2 * LANES * WIDTH];
    const double *sum_a = part->a.log_sums, *sum_b = part->b.log_sums;
    size_t m = part->a.x.n, n_classes = part->a.x.n_classes;
    const struct column_sums sums = column_sums(of_columns, 1, n_classes);
    clear_columns(&sums);
    for (size_t i = 0; i < m; i++) {
        most_a[i] = most_b[i] = -INFINITY;
        same[i] = 1;
    }
    for (size_t c = 0; c < n_classes; c++) {
        double *low = lane_of(&sums, c);
        widen_column(x, &part->a.x, c);
        widen_column(y, &part->b.x, c);
        for (size_t i = 0; i < m; i++) {
            int64_t in_a = x[i] > most_a[i], in_b = y[i] > most_b[i];
            same[i] = (same[i] & ~(in_a | in_b)) | (in_a & in_b);
            most_a[i] = x[i] > most_a[i] ? x[i] : most_a[i];
            most_b[i] = y[i] > most_b[i] ? y[i] : most_b[i];
        }
        for (size_t i = 0; i < m; i++)
            low[i] += divergence_term(x[i], y[i], sum_a[i], sum_b[i], s, careful);
        if (c % TILE == TILE - 1)
            carry_columns(&sums);
    }
    const double *kl = add_up_columns(&sums);
    for (size_t i = 0; i < m; i++) {
        part->kl[i] = is_rough(part->kl[i], sum_a[i], sum_b[i]) ? kl[i] : part->kl[i];
        part->same_top[i] = (uint8_t)same[i];
    }
}

/* One sample of which classes are columns, with care: its terms are added up as those of a part are. */
INLINE double diverge_sample(const struct pair *part, size_t i, struct scales s)
{
    double low[LANES] = {0}, high[LANES] = {0};
    size_t n_classes = part->a.x.n_classes;
    int few = n_classes < FEW;
    for (size_t c = 0; c < n_classes; c++) {
        low[few ? 0 : c % LANES] += divergence_term(logit_of(&part->a.x, i, c), logit_of(&part->b.x, i, c),
                                                    part->a.log_sums[i], part->b.log_sums[i], s, 1);
        for (int l = 0; (c % TILE == TILE - 1 || c == n_classes - 1) && l < LANES; l++) {
            high[l] += low[l];
            low[l] = 0;
        }
    }
    return few ? high[0] : sum_of_lanes(high, 1);
}

/* Of so many rough samples each by itself takes less time than all of a part. */
#define MOST_ROUGH 10

INLINE void diverge_columns(const struct pair *pair, struct scales s)
{
    ALIGNED char room[2][NARROW * WIDTH * sizeof(double)];
    for (size_t start = 0; start < pair->a.x.n; start += WIDTH) {
        struct pair part = {{columns_of(&pair->a.x, start, room[0]), 0, pair->a.log_sums + start},
                            {columns_of(&pair->b.x, start, room[1]), 0, pair->b.log_sums + start},
                            pair->kl + start, pair->same_top + start};
        size_t n_rough = 0, rough[WIDTH];
        memset(part.kl, 0, part.a.x.n * sizeof *part.kl);
        diverge_part(&part, s, 0);
        for (size_t i = 0; i < part.a.x.n; i++) {
            rough[n_rough] = i;
            n_rough += (size_t)is_rough(part.kl[i], part.a.log_sums[i], part.b.log_sums[i]);
        }
        if (n_rough > MOST_ROUGH)
            diverge_part(&part, s, 1);
        else
            for (size_t k = 0; k < n_rough; k++)
                part.kl[rough[k]] = diverge_sample(&part, rough[k], s);
    }
}

/* The logits are both rows, or both columns, unless their classes are fewer than NARROW. */
INLINE void find_divergence(const struct pair *pair)
{
    const struct scales scales = {1 / pair->a.temperature, 1 / pair->b.temperature,
                                  pair->b.temperature / pair->a.temperature};
    if (pair->a.x.step || pair->a.x.n_classes < NARROW)
        diverge_columns(pair, scales);
    else
        diverge_rows(pair, scales);
}

/* ---- Powers of all classes ----------------------------------------------------------------------------------- */

/* exp((x - shift) / temperature) / divisor, with one shift and one divisor a sample, in the order of the logits. */
struct powers { const double *shift, *divisor; double *out; };

INLINE void powers_of_columns(const struct logits *x, double temperature, const struct powers *powers)
{
    ALIGNED double logits[TILE];
    for (size_t c = 0; c < x->n_classes; c++)
        for (size_t start = 0; start < x->n; start += TILE) {
            size_t m = LEAST(TILE, x->n - start);
            const double *shift = powers->shift + start, *divisor = powers->divisor + start;
            double *out = powers->out + c * x->n + start;
            widen(logits, x->data + c * x->step + start * SIZE[x->kind], m, x->kind, x->swapped);
            for (size_t i = 0; i < m; i++)
                out[i] = exp_below(logits[i], shift[i], temperature) / divisor[i];
        }
}

/* Runs of a row, or several rows that are shorter than a run together. */
INLINE void powers_of_rows(const struct logits *x, double temperature, const struct powers *powers)
{
    ALIGNED double logits[TILE], shift[TILE], divisor[TILE];
    size_t n_classes = x->n_classes, at_once = TILE / LEAST(TILE, MOST(1, n_classes));
    for (size_t start = 0; start < x->n; start += at_once) {
        size_t n_rows = LEAST(at_once, x->n - start), run = LEAST(TILE, n_classes);
        for (size_t row = 0; row < n_rows; row++)
            for (size_t i = 0; i < run; i++) {
                shift[row * run + i] = powers->shift[start + row];
                divisor[row * run + i] = powers->divisor[start + row];
            }
        for (size_t first = 0; first < n_classes; first += TILE) {
            size_t n = n_rows * LEAST(TILE, n_classes - first);
            double *out = powers->out + start * n_classes + first;
            widen_row(logits, x, start, first, n);
            for (size_t i = 0; i < n; i++)
                out[i] = exp_below(logits[i], shift[i], temperature) / divisor[i];
        }
    }
}

INLINE void find_powers(const struct logits *x, double temperature, const struct powers *powers)
{
    if (x->step)
        AT(temperature, powers_of_columns, x, powers)
    else
        AT(temperature, powers_of_rows, x, powers)
}

/* ---- Dot products without rounding --------------------------------------------------------------------------- */

/* A float64 is an integer below 2^53 times a power of 2; products of two of them, in 128 bits, are added up by the
 * exponents of their powers, of either sign apart: 2^22 of them in one place do not overflow. */
typedef unsigned __int128 wide;
#define PLACES 4096
#define MOST_TERMS (1 << 22)
/* The place of 2^-1074 among products. */
#define UNIT 1074
#define N_WORDS ((PLACES + 192) / 64)

INLINE uint64_t whole_number(uint64_t bits, size_t *exponent)
{
    uint64_t fraction = bits & 0xfffffffffffff, biased = bits >> 52 & 0x7ff;
    *exponent = biased ? biased - 1 : 0; /* subnormal numbers have the exponent of the least normal ones */
    return biased ? fraction | 1ull << 52 : fraction;
}

/* Whether all of `x` and `y`, NULL for ones, are finite; their products are then in `places`, (2, PLACES). */
INLINE int add_products(wide *places, const double *x, const double *y, size_t n)
{
    uint64_t special = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t a = bits_of(x[i]), b = y ? bits_of(y[i]) : 0;
        size_t place, other = 0;
        wide product = whole_number(a, &place);
        if (y)
            product *= whole_number(b, &other);
        places[((a ^ b) >> 63) * PLACES + place + other] += product;
        special |= (place == 0x7fe) | (other == 0x7fe);
    }
    return !special;
}

/* Terms of a larger size, and products of a lesser one, are not added up in layers. */
#define LARGEST_TERM 0x1p900
#define LEAST_PRODUCT 0x1p-900
#define TILE_BITS 10

INLINE uint64_t size_bits(double x) { return bits_of(x) & ~(1ull << 63); }

/* Copy `n` terms, and give the bits of the largest size: those of infinities and NaN are larger still. */
INLINE uint64_t copy_terms(double *restrict out, const double *restrict x, size_t n)
{
    int64_t most = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = x[i];
        most = MOST((int64_t)size_bits(x[i]), most);
    }
    return (uint64_t)most;
}

/* The same for products, each the sum of `high` and `low`; -1 where one is so small that it would lose digits. */
INLINE uint64_t multiply_terms(double *restrict high, double *restrict low, const double *restrict x,
                               const double *restrict y, size_t n)
{
    int64_t most = 0, small = 0;
    for (size_t i = 0; i < n; i++) {
        high[i] = x[i] * y[i];
        low[i] = fma(x[i], y[i], -high[i]);
        most = MOST((int64_t)size_bits(high[i]), most);
        small |= (__builtin_fabs(high[i]) < LEAST_PRODUCT) & (x[i] != 0) & (y[i] != 0);
    }
    return small ? UINT64_MAX : (uint64_t)most;
}

/* Add up to TILE `terms` below 2^(exponent - 1022) in layers, until nothing is left of them: as sigma is that much
 * larger, what it keeps of each lies on one grid, where it adds up without rounding in any order ("ExtractVector" of
 * Rump, Ogita and Oishi, "Accurate floating-point summation part I", SIAM J. Sci. Comput. 31, 2008). */
INLINE void add_layers(wide *places, double *restrict terms, size_t n, uint64_t exponent)
{
    ALIGNED double layer[TILE];
    uint64_t left = 1;
    for (double sigma = 1.5 * double_of((exponent + 1 + TILE_BITS) << 52); left; sigma *= 0x1p-43) {
        double sums[LANES] = {0};
        left = 0;
        for (size_t i = 0; i < n; i++) {
            layer[i] = (terms[i] + sigma) - sigma;
            terms[i] -= layer[i];
            left |= size_bits(terms[i]);
        }
        add_terms(sums, layer, n);
        add_products(places, sums, NULL, LANES);
    }
}

/* Whether all of `x` and `y`, NULL for ones, are finite; the sum of their products is then in `places`, (2, PLACES). */
INLINE int add_dot(wide *places, const double *x, const double *y, size_t n)
{
    ALIGNED double high[TILE], low[TILE];
    int finite = 1;
    for (size_t start = 0; start < n; start += TILE) {
        const double *a = x + start, *b = y ? y + start : NULL;
        size_t m = LEAST(TILE, n - start);
        uint64_t most = y ? multiply_terms(high, low, a, b, m) : copy_terms(high, a, m);
        if (most > bits_of(LARGEST_TERM))
            finite &= add_products(places, a, b, m);
        else if (most) {
            add_layers(places + (y ? UNIT : 0), high, m, most >> 52);
            if (y)
                add_layers(places + UNIT, low, m, (most >> 52) - 53);
        }
    }
    return finite;
}

/* The sum of what is in PLACES `places`, in units of the first, as N_WORDS words of which the first is the least. */
static void gather_places(uint64_t *words, const wide *places)
{
    memset(words, 0, N_WORDS * sizeof *words);
    for (size_t place = 0; place < PLACES; place++) {
        wide value = places[place];
        size_t word = place / 64, shift = place % 64;
        if (!value)
            continue;
        wide low = value << shift, high = shift ? value >> (128 - shift) : 0;
        uint64_t parts[3] = {(uint64_t)low, (uint64_t)(low >> 64), (uint64_t)high};
        wide carry = 0;
        for (size_t i = 0; i < 3 || carry; i++) {
            carry += (wide)words[word + i] + (i < 3 ? parts[i] : 0);
            words[word + i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
}

/* ---- Sums of groups without rounding ------------------------------------------------------------------------- */

/* The sum of a group is a row of digits, of which digit j counts 2^(32 j - 1074): each value adds to three of them. As
 * they are of either sign and have room above, nothing is carried. */
#define DIGIT_BITS 32
#define MOST_OF_SUMS ((size_t)64 << 20) /* bytes */

struct grouped { const double *values; const int64_t *groups; size_t n, n_groups, first, n_digits; };

enum seen { FINE, SPECIAL, NOT_A_GROUP };

/* Which digits all sums need, by the exponents of the values but 0. */
static enum seen see_groups(struct grouped *x)
{
    uint64_t least = UINT64_MAX, most = 0, wrong = 0;
    for (size_t i = 0; i < x->n; i++) {
        uint64_t size = size_bits(x->values[i]);
        least = LEAST(size - 1, least); /* 0 is more than all others */
        most = MOST(size, most);
        wrong |= (uint64_t)x->groups[i] >= x->n_groups;
    }
    if (wrong || most >> 52 == 0x7ff)
        return wrong ? NOT_A_GROUP : SPECIAL;
    size_t low = 0, high = 0;
    if (most) {
        whole_number(least + 1, &low);
        whole_number(most, &high);
    }
    x->first = low / DIGIT_BITS;
    x->n_digits = high / DIGIT_BITS - x->first + 3;
    return FINE;
}

static void add_groups(const struct grouped *x, int64_t *digits)
{
    memset(digits, 0, x->n_groups * x->n_digits * sizeof *digits);
    for (size_t i = 0; i < x->n; i++) {
        uint64_t bits = bits_of(x->values[i]), number;
        size_t place, least = x->first * DIGIT_BITS;
        number = whole_number(bits, &place);
        place = MOST(place, least) - least; /* that of 0 may be less */
        wide shifted = (wide)number << place % DIGIT_BITS;
        int64_t sign = -(int64_t)(bits >> 63), *to = digits + (size_t)x->groups[i] * x->n_digits + place / DIGIT_BITS;
        to[0] += ((int64_t)(uint32_t)shifted ^ sign) - sign;
        to[1] += ((int64_t)(uint32_t)(shifted >> DIGIT_BITS) ^ sign) - sign;
        to[2] += ((int64_t)(shifted >> 2 * DIGIT_BITS) ^ sign) - sign;
    }
}

/* ---- Levels of instructions ---------------------------------------------------------------------------------- */

struct level {
    const char *name;
    size_t (*odds)(const struct logits *, const struct odds *);
    void (*normaliser[3])(const struct logits *, double, const struct normaliser *);
    void (*divergence)(const struct pair *);
    void (*powers)(const struct logits *, double, const struct powers *);
    int (*dot)(wide *, const double *, const double *, size_t);
};

#define LEVEL(name, attributes)                                                                                   \
    attributes static size_t odds_##name(const struct logits *x, const struct odds *odds)                         \
    { return find_odds(x, odds); }                                                                                \
    attributes static void normaliser_##name(const struct logits *x, double t, const struct normaliser *out)      \
    { find_normaliser(x, t, PLAIN, out); }                                                                        \
    attributes static void survey_##name(const struct logits *x, double t, const struct normaliser *out)          \
    { find_normaliser(x, t, SURVEY, out); }                                                                       \
    attributes static void moments_##name(const struct logits *x, double t, const struct normaliser *out)         \
    { find_normaliser(x, t, MOMENTS, out); }                                                                      \
    attributes static void divergence_##name(const struct pair *pair)                                             \
    { find_divergence(pair); }                                                                                    \
    attributes static void powers_##name(const struct logits *x, double t, const struct powers *powers)           \
    { find_powers(x, t, powers); }                                                                                \
    attributes static int dot_##name(wide *places, const double *x, const double *y, size_t n)                    \
    { return add_dot(places, x, y, n); }

#define ROW(name)                                                                                       \
    {#name, odds_##name, {normaliser_##name, survey_##name, moments_##name}, divergence_##name, powers_##name, \
     dot_##name}

LEVEL(scalar, )
#ifdef __x86_64__
LEVEL(avx2, __attribute__((target("avx2,fma"))))
LEVEL(avx512, __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"))))
#endif

/* From the slowest to the fastest: the last that the processor has is used. */
static const struct level LEVELS[] = {
    ROW(scalar),
#ifdef __x86_64__
    ROW(avx2),
    ROW(avx512),
#endif
};
#define N_LEVELS (sizeof LEVELS / sizeof LEVELS[0])

static size_t n_levels_here(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return 1;
    return 2 + (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
                && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"));
#else
    return N_LEVELS;
#endif
}

static const struct level *level = LEVELS;

/* ---- For Python: `native.pyi` says what the functions take -------------------------------------------------- */

/* The buffers of the arguments of a call, released together. */
struct buffers { Py_buffer held[6]; int n; };

static void release(struct buffers *buffers)
{
    while (buffers->n)
        PyBuffer_Release(&buffers->held[--buffers->n]);
}

/* The numbers of a contiguous array of at least `n` of `size` bytes; NULL, with an exception set, of anything else. */
static void *numbers_of(struct buffers *buffers, PyObject *array, size_t n, size_t size, int flags)
{
    Py_buffer *view = &buffers->held[buffers->n];
    if (PyObject_GetBuffer(array, view, flags))
        return NULL;
    buffers->n++;
    if ((size_t)view->len < n * size) {
        PyErr_SetString(PyExc_ValueError, "an array is too short");
        return NULL;
    }
    return view->buf;
}

static int is_kind(int kind) { return kind >= FLOAT64 && kind <= BFLOAT16; }

/* The logits (n, C) of an array of unsigned integers that hold their bits, in either of the orders that are read. */
static int logits_of(struct logits *x, struct buffers *buffers, PyObject *array)
{
    Py_buffer *view = &buffers->held[buffers->n];
    if (PyObject_GetBuffer(array, view, PyBUF_STRIDES))
        return 0;
    buffers->n++;
    size_t size = SIZE[x->kind & 3];
    if (is_kind(x->kind) && view->ndim == 2 && (size_t)view->itemsize == size) {
        x->data = view->buf;
        x->n = (size_t)view->shape[0];
        x->n_classes = (size_t)view->shape[1];
        Py_ssize_t of_sample = view->strides[0], of_class = view->strides[1], width = (Py_ssize_t)size;
        if (of_class == width && of_sample == width * view->shape[1])
            return 1;
        x->step = (size_t)of_class;
        if (of_sample == width && of_class >= width * view->shape[0])
            return 1;
    }
    PyErr_SetString(PyExc_ValueError, "the logits are neither rows nor columns");
    return 0;
}

static int are_a_pair(const struct logits *x, const struct logits *y)
{
    int fit = x->n == y->n && x->n_classes == y->n_classes && (!x->step == !y->step || x->n_classes < NARROW);
    if (!fit)
        PyErr_SetString(PyExc_ValueError, "the logits of the models have not the same shape and order");
    return fit;
}

static int are_classes(const int64_t *targets, const struct logits *x)
{
    int64_t wrong = 0;
    for (size_t i = 0; i < x->n; i++)
        wrong |= (uint64_t)targets[i] >= x->n_classes;
    if (wrong)
        PyErr_SetString(PyExc_ValueError, "a target is not a class");
    return !wrong;
}

static int odds_arguments(struct odds *odds, struct buffers *buffers, const struct logits *x, PyObject *targets,
                          PyObject *against, PyObject *found)
{
    return (odds->targets = numbers_of(buffers, targets, x->n, 8, PyBUF_SIMPLE))
        && (odds->against = numbers_of(buffers, against, x->n, 8, PyBUF_WRITABLE))
        && (odds->found = numbers_of(buffers, found, x->n, 1, PyBUF_WRITABLE)) && are_classes(odds->targets, x);
}

static PyObject *py_odds(PyObject *self, PyObject *arguments)
{
    struct logits x = {0};
    struct odds odds;
    struct buffers buffers = {.n = 0};
    PyObject *logits, *targets, *against, *found, *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OipOOO", &logits, &x.kind, &x.swapped, &targets, &against, &found))
        return NULL;
    if (logits_of(&x, &buffers, logits) && odds_arguments(&odds, &buffers, &x, targets, against, found)) {
        size_t outside;
        Py_BEGIN_ALLOW_THREADS
        outside = level->odds(&x, &odds);
        Py_END_ALLOW_THREADS
        result = PyLong_FromSize_t(outside);
    }
    release(&buffers);
    return result;
}

/* Whether all `n` bytes from `offset` on could be read. */
static int read_fully(int descriptor, char *into, size_t n, int64_t offset)
{
    while (n) {
        ssize_t got = pread(descriptor, into, n, (off_t)offset);
        if (got == 0 || (got < 0 && errno != EINTR))
            return 0;
        if (got > 0) {
            into += got;
            offset += got;
            n -= (size_t)got;
        }
    }
    return 1;
}

static PyObject *py_read_odds(PyObject *self, PyObject *arguments)
{
    struct logits x = {0};
    struct odds odds;
    struct buffers buffers = {.n = 0};
    int descriptor, complete = 1;
    long long offset;
    Py_ssize_t n_classes, n;
    PyObject *room, *targets, *against, *found, *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "iLnnipOOOO", &descriptor, &offset, &n, &n_classes, &x.kind, &x.swapped, &room,
                          &targets, &against, &found))
        return NULL;
    if (n < 0 || n_classes < 1 || n_classes > PY_SSIZE_T_MAX / 8 || !is_kind(x.kind)) {
        PyErr_SetString(PyExc_ValueError, "the rows have no such shape or type");
        return NULL;
    }
    x.n = (size_t)n;
    x.n_classes = (size_t)n_classes;
    size_t row = x.n_classes * SIZE[x.kind], outside = 0;
    char *into = numbers_of(&buffers, room, 1, row, PyBUF_WRITABLE);
    if (into && odds_arguments(&odds, &buffers, &x, targets, against, found)) {
        size_t at_once = (size_t)buffers.held[0].len / row;
        x.data = into;
        Py_BEGIN_ALLOW_THREADS
        for (size_t left = x.n; left && complete; left -= x.n) {
            x.n = LEAST(at_once, left);
            complete = read_fully(descriptor, into, x.n * row, offset);
            if (complete)
                outside += level->odds(&x, &odds);
            offset += (long long)(x.n * row);
            odds.targets += x.n;
            odds.against += x.n;
            odds.found += x.n;
        }
        Py_END_ALLOW_THREADS
        result = complete ? PyLong_FromSize_t(outside) : Py_NewRef(Py_None);
    }
    release(&buffers);
    return result;
}

/* The normalisers, with the sums of an `extent`. */
static PyObject *reduce(PyObject *arguments, enum extent extent)
{
    struct logits x = {0};
    struct normaliser out;
    struct buffers buffers = {.n = 0};
    double temperature;
    PyObject *logits, *maximum, *sums, *top, *result = NULL;
    if (!PyArg_ParseTuple(arguments, "OipdOOO", &logits, &x.kind, &x.swapped, &temperature, &maximum, &sums, &top))
        return NULL;
    if (logits_of(&x, &buffers, logits) && (out.maximum = numbers_of(&buffers, maximum, x.n, 8, PyBUF_WRITABLE))
        && (out.sums = numbers_of(&buffers, sums, x.n * N_SUMS[extent], 8, PyBUF_WRITABLE))
        && (out.top = numbers_of(&buffers, top, x.n, 8, PyBUF_WRITABLE))) {
        Py_BEGIN_ALLOW_THREADS
        level->normaliser[extent](&x, temperature, &out);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(&buffers);
    return result;
}

static PyObject *py_normalise(PyObject *self, PyObject *arguments)
{
    (void)self;
    return reduce(arguments, PLAIN);
}

static PyObject *py_survey(PyObject *self, PyObject *arguments)
{
    (void)self;
    return reduce(arguments, SURVEY);
}

static PyObject *py_moments(PyObject *self, PyObject *arguments)
{
    (void)self;
    return reduce(arguments, MOMENTS);
}

static PyObject *py_divergence(PyObject *self, PyObject *arguments)
{
    struct pair pair = {0};
    struct model *a = &pair.a, *b = &pair.b;
    struct buffers buffers = {.n = 0};
    PyObject *x, *y, *sums_a, *sums_b, *kl, *same_top, *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OipdOOipdOOO", &x, &a->x.kind, &a->x.swapped, &a->temperature, &sums_a, &y,
                          &b->x.kind, &b->x.swapped, &b->temperature, &sums_b, &kl, &same_top))
        return NULL;
    if (logits_of(&a->x, &buffers, x) && logits_of(&b->x, &buffers, y) && are_a_pair(&a->x, &b->x)
        && (a->log_sums = numbers_of(&buffers, sums_a, a->x.n, 8, PyBUF_SIMPLE))
        && (b->log_sums = numbers_of(&buffers, sums_b, b->x.n, 8, PyBUF_SIMPLE))
        && (pair.kl = numbers_of(&buffers, kl, a->x.n, 8, PyBUF_WRITABLE))
        && (pair.same_top = numbers_of(&buffers, same_top, a->x.n, 1, PyBUF_WRITABLE))) {
        Py_BEGIN_ALLOW_THREADS
        level->divergence(&pair);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(&buffers);
    return result;
}

static PyObject *py_powers(PyObject *self, PyObject *arguments)
{
    struct logits x = {0};
    struct powers powers;
    struct buffers buffers = {.n = 0};
    double temperature;
    PyObject *logits, *shift, *divisor, *out, *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OipdOOO", &logits, &x.kind, &x.swapped, &temperature, &shift, &divisor, &out))
        return NULL;
    if (logits_of(&x, &buffers, logits) && (powers.shift = numbers_of(&buffers, shift, x.n, 8, PyBUF_SIMPLE))
        && (powers.divisor = numbers_of(&buffers, divisor, x.n, 8, PyBUF_SIMPLE))
        && (powers.out = numbers_of(&buffers, out, x.n * x.n_classes, 8, PyBUF_WRITABLE))) {
        Py_BEGIN_ALLOW_THREADS
        level->powers(&x, temperature, &powers);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(&buffers);
    return result;
}

static PyObject *py_exact_dot(PyObject *self, PyObject *arguments)
{
    struct buffers buffers = {.n = 0};
    uint64_t positive[N_WORDS], negative[N_WORDS];
    PyObject *first, *second, *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OO", &first, &second))
        return NULL;
    const double *x = numbers_of(&buffers, first, 0, 8, PyBUF_SIMPLE), *y = NULL;
    size_t n = x ? (size_t)buffers.held[0].len / 8 : 0;
    if (x && (second == Py_None || (y = numbers_of(&buffers, second, n, 8, PyBUF_SIMPLE)))) {
        wide *places = n > MOST_TERMS ? NULL : calloc(2 * PLACES, sizeof *places);
        int finite = 0;
        if (!places)
            PyErr_NoMemory();
        else {
            Py_BEGIN_ALLOW_THREADS
            finite = level->dot(places, x, y, n);
            gather_places(positive, places);
            gather_places(negative, places + PLACES);
            free(places);
            Py_END_ALLOW_THREADS
            result = finite ? Py_BuildValue("y#y#", positive, (Py_ssize_t)sizeof positive, negative,
                                            (Py_ssize_t)sizeof negative)
                            : Py_NewRef(Py_None);
        }
    }
    release(&buffers);
    return result;
}

static PyObject *py_group_sums(PyObject *self, PyObject *arguments)
{
    struct buffers buffers = {.n = 0};
    struct grouped x = {0};
    Py_ssize_t n_groups;
    PyObject *values, *groups, *digits, *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OOn", &values, &groups, &n_groups))
        return NULL;
    if ((x.values = numbers_of(&buffers, values, 0, 8, PyBUF_SIMPLE))) {
        x.n = (size_t)buffers.held[0].len / 8;
        x.n_groups = (size_t)MOST(n_groups, 0);
    }
    if (x.values && (x.groups = numbers_of(&buffers, groups, x.n, 8, PyBUF_SIMPLE))) {
        enum seen seen;
        Py_BEGIN_ALLOW_THREADS
        seen = see_groups(&x);
        Py_END_ALLOW_THREADS
        if (seen == NOT_A_GROUP)
            PyErr_SetString(PyExc_ValueError, "a group is not below their number");
        else if (seen == SPECIAL || x.n > MOST_TERMS || x.n_groups > MOST_OF_SUMS / 8 / x.n_digits)
            result = Py_NewRef(Py_None);
        else if ((digits = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(x.n_groups * x.n_digits * 8)))) {
            int64_t *into = (int64_t *)(void *)PyBytes_AsString(digits);
            Py_BEGIN_ALLOW_THREADS
            add_groups(&x, into);
            Py_END_ALLOW_THREADS
            result = Py_BuildValue("nnN", (Py_ssize_t)x.first, (Py_ssize_t)x.n_digits, digits);
        }
    }
    release(&buffers);
    return result;
}

static PyObject *py_levels(PyObject *self, PyObject *arguments)
{
    size_t n = n_levels_here();
    PyObject *names = PyTuple_New((Py_ssize_t)n);
    (void)self;
    (void)arguments;
    for (size_t i = 0; names && i < n; i++) {
        PyObject *name = PyUnicode_FromString(LEVELS[i].name);
        if (!name || PyTuple_SetItem(names, (Py_ssize_t)i, name))
            Py_CLEAR(names);
    }
    return names;
}

static PyObject *py_best(PyObject *self, PyObject *arguments)
{
    size_t n = n_levels_here();
    (void)self;
    (void)arguments;
#ifndef __FP_FAST_FMA
    if (n == 1)
        return Py_NewRef(Py_None);
#endif
    return PyUnicode_FromString(LEVELS[n - 1].name);
}

static PyObject *py_level(PyObject *self, PyObject *arguments)
{
    (void)self;
    (void)arguments;
    return PyUnicode_FromString(level->name);
}

static PyObject *py_use(PyObject *self, PyObject *arguments)
{
    const char *name;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "s", &name))
        return NULL;
    for (size_t i = 0; i < n_levels_here(); i++)
        if (!strcmp(name, LEVELS[i].name)) {
            level = &LEVELS[i];
            return Py_NewRef(Py_None);
        }
    PyErr_SetString(PyExc_ValueError, "this processor has no such level");
    return NULL;
}

static PyMethodDef METHODS[] = {
    {"levels", py_levels, METH_NOARGS, NULL},
    {"best", py_best, METH_NOARGS, NULL},
    {"level", py_level, METH_NOARGS, NULL},
    {"use", py_use, METH_VARARGS, NULL},
    {"odds", py_odds, METH_VARARGS, NULL},
    {"read_odds", py_read_odds, METH_VARARGS, NULL},
    {"normalise", py_normalise, METH_VARARGS, NULL},
    {"survey", py_survey, METH_VARARGS, NULL},
    {"moments", py_moments, METH_VARARGS, NULL},
    {"divergence", py_divergence, METH_VARARGS, NULL},
    {"powers", py_powers, METH_VARARGS, NULL},
    {"exact_dot", py_exact_dot, METH_VARARGS, NULL},
    {"group_sums", py_group_sums, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "native", NULL, -1, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_native(void)
{
    return PyModule_Create(&MODULE);
}
