// Normalisation by channel and by row.
//
//   mean = 1/m Σ x,   var = 1/m Σ (x - mean)²,   x̂ = (x - mean) / √(var + eps)
//   out = gamma·x̂ + beta = x·scale + shift, perhaps + residual, perhaps cut off below 0 or
//         below 0 and above 6
//   dx = gamma / √(var + eps) · (g - mean(g) - x̂·mean(g·x̂)) = a·g + b·(x - mean) + c
//
// Plan, by channel. Memory decides: each pass reads its arrays once. Rows come in blocks;
// over a block each channel has its sums in T, eight rows at a time so that the sums are
// loaded and stored once for eight, and the block's sums go to double.
//
// Variances do not cancel: a block's squares are taken around the mean of the blocks
// before it (of the first block, around its own). What that loses is some roundings of
// the block's distance from that mean, and this distance is part of the variance itself.
// Blocks are joined as in T. F. Chan, G. H. Golub, R. J. LeVeque, Updating formulae and a
// pairwise algorithm for computing sample variances, 1979.
#include "kernels/norm.hpp"

#include "simd/lanes.hpp"

namespace cnn::CNN_LEVEL {
namespace {

using Size = std::ptrdiff_t;

constexpr Size block_rows = 128;
constexpr int rows_at_once = 8;

// f(load, c) for all channels, a register at a time.
template <class T, bool past = false, class F> CNN_INLINE void over_channels(int C, F f) {
    int c = 0;
    // main loop
    for (; c + lanes<T> <= C; c += lanes<T>)
        f([=](const T* p) { return load(p + c); },
          [=](T* p, Vector<T> v) {
              if constexpr (past) store_past_caches(p + c, v);
              else store(p + c, v);
          });
    // tail
    const int left = C - c;
    if (left)
        f([=](const T* p) { return load_first(p + c, left); },
          [=](T* p, Vector<T> v) { store_first(p + c, v, left); });
}

template <class T, int n, class F> CNN_INLINE Vector<T> sum_of(F f) {
    if constexpr (n == 1) return f(0);
    else
        return sum_of<T, n / 2>(f) +
               sum_of<T, n - n / 2>([=](int r) CNN_LAMBDA { return f(r + n / 2); });
}

template <class T, int n> CNN_INLINE void add_rows(const T* x, int C, T* sums) {
    over_channels<T>(C, [=](auto read, auto write) CNN_LAMBDA {
        write(sums, read(sums) + sum_of<T, n>([=](int r) CNN_LAMBDA {
                  return read(x + Size(r) * C);
              }));
    });
}

// Σ d and Σ d² with d = x - around.
template <class T, int n>
CNN_INLINE void add_squares(const T* x, int C, const T* around, T* sums, T* squares) {
    over_channels<T>(C, [=](auto read, auto write) CNN_LAMBDA {
        const Vector<T> middle = read(around);
        Vector<T> d[n];
#pragma GCC unroll 8
        for (int r = 0; r < n; ++r) d[r] = read(x + Size(r) * C) - middle;
        write(sums, read(sums) + sum_of<T, n>([&](int r) CNN_LAMBDA { return d[r]; }));
        write(squares, read(squares) + sum_of<T, n>([&](int r) CNN_LAMBDA {
                           return d[r] * d[r];
                       }));
    });
}

template <class T, Mask mask, class Read>
CNN_INLINE Vector<T> let_through(const NormGradient<T>& from, Size at, Vector<T> x, Read read) {
    const Vector<T> dout = read(from.dout + at);
    if constexpr (mask == Mask::none) return dout;
    const Vector<T> out =
        mask == Mask::affine ? x * read(from.scale) + read(from.shift) : read(from.out + at);
    const Vector<T> above = out <= 0 ? Vector<T>{} : dout;
    return out >= from.ceiling ? Vector<T>{} : above;
}

template <class T, Mask mask, int n>
CNN_INLINE void add_gradients(const NormGradient<T>& from, Size row, int C, T* sums,
                              T* products) {
    over_channels<T>(C, [=, &from](auto read, auto write) CNN_LAMBDA {
        const Vector<T> mean = read(from.mean);
        Vector<T> g[n], d[n];
#pragma GCC unroll 8
        for (int r = 0; r < n; ++r) {
            const Vector<T> x = read(from.x + (row + r) * C);
            d[r] = x - mean;
            g[r] = let_through<T, mask>(from, (row + r) * C, x, read);
        }
        if (mask != Mask::none && from.through)
            for (int r = 0; r < n; ++r) write(from.through + (row + r) * C, g[r]);
        write(sums, read(sums) + sum_of<T, n>([&](int r) CNN_LAMBDA { return g[r]; }));
        write(products, read(products) + sum_of<T, n>([&](int r) CNN_LAMBDA {
                            return g[r] * d[r];
                        }));
    });
}

template <class T> CNN_INLINE void clear(T* numbers, int n) {
    for (int k = 0; k < n; ++k) numbers[k] = 0;
}

}  // namespace

// mean and Σ (x - mean)² of each channel.
template <class T>
void norm_statistics(const T* x, Size rows, int C, T* workspace, double* mean, double* squares) {
    T* around = workspace;
    T* sum = around + C;
    T* square = sum + C;
    clear(mean, C);
    clear(squares, C);
    for (Size start = 0; start < rows; start += block_rows) {
        const Size n = start + block_rows < rows ? block_rows : rows - start;
        const T* block = x + start * C;
        if (start == 0) {
            clear(sum, C);
            Size r = 0;
            for (; r + rows_at_once <= n; r += rows_at_once)
                add_rows<T, rows_at_once>(block + r * C, C, sum);
            for (; r < n; ++r) add_rows<T, 1>(block + r * C, C, sum);
            for (int c = 0; c < C; ++c) around[c] = sum[c] / static_cast<T>(n);
        } else {
            for (int c = 0; c < C; ++c) around[c] = static_cast<T>(mean[c]);
        }
        clear(sum, C);
        clear(square, C);
        Size r = 0;
        for (; r + rows_at_once <= n; r += rows_at_once)
            add_squares<T, rows_at_once>(block + r * C, C, around, sum, square);
        for (; r < n; ++r) add_squares<T, 1>(block + r * C, C, around, sum, square);
        // joined with the rows before
        const double all = static_cast<double>(start + n), share = n / all, inv_n = 1.0 / n;
        for (int c = 0; c < C; ++c) {
            const double off = sum[c] * inv_n;
            const double distance = around[c] + off - mean[c];
            squares[c] += square[c] - sum[c] * off + distance * distance * (start * share);
            mean[c] += distance * share;
        }
    }
}

namespace {

template <class T, bool past> void apply(const NormApply<T>& a, Size begin, Size end, int C) {
    auto rows = [&](auto finish) CNN_LAMBDA {
        for (Size r = begin; r < end; ++r)
            over_channels<T, past>(C, [&](auto read, auto write) CNN_LAMBDA {
                const Vector<T> v = read(a.x + r * C) * read(a.scale) + read(a.shift);
                write(a.out + r * C, finish(v, r * C, read));
            });
    };
    if (a.residual && a.relu)
        rows([&](Vector<T> v, Size at, auto read) CNN_LAMBDA {
            return cut_off<T>(v + read(a.residual + at), a.relu);
        });
    else if (a.residual)
        rows([&](Vector<T> v, Size at, auto read) CNN_LAMBDA {
            return v + read(a.residual + at);
        });
    else if (a.relu)
        rows([&](Vector<T> v, Size, auto) CNN_LAMBDA { return cut_off<T>(v, a.relu); });
    else
        rows([](Vector<T> v, Size, auto) CNN_LAMBDA { return v; });
}

}  // namespace

template <class T> void norm_apply(const NormApply<T>& a, Size begin, Size end, int C) {
    if (a.past_caches) {
        apply<T, true>(a, begin, end, C);
        finish_past_caches();
    } else {
        apply<T, false>(a, begin, end, C);
    }
}

namespace {

template <class T, Mask mask>
void gradient_sums(const NormGradient<T>& from, Size begin, Size end, int C, T* workspace,
                   double* sums, double* products) {
    T* sum = workspace;
    T* product = sum + C;
    clear(sums, C);
    clear(products, C);
    for (Size start = begin; start < end; start += block_rows) {
        const Size stop = start + block_rows < end ? start + block_rows : end;
        clear(sum, C);
        clear(product, C);
        Size r = start;
        for (; r + rows_at_once <= stop; r += rows_at_once)
            add_gradients<T, mask, rows_at_once>(from, r, C, sum, product);
        for (; r < stop; ++r) add_gradients<T, mask, 1>(from, r, C, sum, product);
        for (int c = 0; c < C; ++c) {
            sums[c] += sum[c];
            products[c] += product[c];
        }
    }
}

template <class T, Mask mask, bool past>
void input_gradient(const NormInputGradient<T>& a, Size begin, Size end, int C) {
    for (Size r = begin; r < end; ++r)
        over_channels<T, past>(C, [&](auto read, auto write) CNN_LAMBDA {
            const Vector<T> x = read(a.from.x + r * C);
            const Vector<T> g = let_through<T, mask>(a.from, r * C, x, read);
            const Vector<T> moved = (x - read(a.from.mean)) * read(a.b) + read(a.c);
            if (a.dresidual) write(a.dresidual + r * C, g);
            write(a.dx + r * C, g * read(a.a) + moved);
        });
}

}  // namespace

// Σ g and Σ g·(x - mean) of each channel over some rows, and g itself where that is wanted.
template <class T>
void norm_gradient_sums(const NormGradient<T>& from, Mask mask, Size begin, Size end, int C,
                        T* workspace, double* sums, double* products) {
    if (mask == Mask::none)
        gradient_sums<T, Mask::none>(from, begin, end, C, workspace, sums, products);
    else if (mask == Mask::affine)
        gradient_sums<T, Mask::affine>(from, begin, end, C, workspace, sums, products);
    else
        gradient_sums<T, Mask::output>(from, begin, end, C, workspace, sums, products);
}

namespace {

template <class T, bool past>
void input_gradient(const NormInputGradient<T>& a, Mask mask, Size begin, Size end, int C) {
    if (mask == Mask::none) input_gradient<T, Mask::none, past>(a, begin, end, C);
    else if (mask == Mask::affine) input_gradient<T, Mask::affine, past>(a, begin, end, C);
    else input_gradient<T, Mask::output, past>(a, begin, end, C);
}

}  // namespace

template <class T>
void norm_input_gradient(const NormInputGradient<T>& a, Mask mask, Size begin, Size end, int C) {
    if (a.past_caches) {
        input_gradient<T, true>(a, mask, begin, end, C);
        finish_past_caches();
    } else {
        input_gradient<T, false>(a, mask, begin, end, C);
    }
}

// --- by row -------------------------------------------------------------------------

namespace {

// Sums of f over a row: in lanes over runs, theirs in double.
template <class T, class F> CNN_INLINE double sum_over(Size D, F f) {
    constexpr Size run = 64 * lanes<T>;
    double total = 0;
    for (Size start = 0; start < D; start += run) {
        const Size end = start + run < D ? start + run : D;
        Vector<T> even = {}, odd = {};
        Size k = start;
        // main loop
        for (; k + 2 * lanes<T> <= end; k += 2 * lanes<T>) {
            even += f([=](const T* p) { return load(p + k); });
            odd += f([=](const T* p) { return load(p + k + lanes<T>); });
        }
        for (; k + lanes<T> <= end; k += lanes<T>)
            even += f([=](const T* p) { return load(p + k); });
        // tail
        const int left = static_cast<int>(end - k);
        if (left) {
            const Vector<T> v = f([=](const T* p) { return load_first(p + k, left); });
            odd += first_lanes<T>(left) ? v : Vector<T>{};
        }
        total += sum_of_lanes<T>(even + odd);
    }
    return total;
}

template <class T, class F> CNN_INLINE void over_row(Size D, F f) {
    Size k = 0;
    // main loop
    for (; k + lanes<T> <= D; k += lanes<T>)
        f([=](const T* p) { return load(p + k); },
          [=](T* p, Vector<T> v) { store(p + k, v); });
    // tail
    const int left = static_cast<int>(D - k);
    if (left)
        f([=](const T* p) { return load_first(p + k, left); },
          [=](T* p, Vector<T> v) { store_first(p + k, v, left); });
}

}  // namespace

template <class T>
void row_norm_forward(const RowNorm<T>& norm, const T* x, double eps, T* out, T* mean_at,
                      T* inv_std_at) {
    const Size D = norm.D;
    const double about = sum_over<T>(D, [=](auto read) CNN_LAMBDA { return read(x); }) / D;
    const T mean = static_cast<T>(about);
    const double squares = sum_over<T>(D, [=](auto read) CNN_LAMBDA {
        const Vector<T> d = read(x) - mean;
        return d * d;
    });
    const double off = about - mean;  // what rounding the mean to T moved
    const double var = squares / D - off * off;
    const T inv_std = static_cast<T>(1 / __builtin_sqrt((var < 0 ? 0 : var) + eps));
    over_row<T>(D, [=, &norm](auto read, auto write) CNN_LAMBDA {
        Vector<T> v = (read(x) - mean) * inv_std;
        if (norm.gamma) v *= read(norm.gamma);
        if (norm.beta) v += read(norm.beta);
        write(out, v);
    });
    *mean_at = mean;
    *inv_std_at = inv_std;
}

template <class T>
void row_norm_backward(const RowNorm<T>& norm, const T* dout, const T* x, T mean, T inv_std,
                       T* dx) {
    const Size D = norm.D;
    auto weighed = [=, &norm](auto read) CNN_LAMBDA {
        return norm.gamma ? read(dout) * read(norm.gamma) : read(dout);
    };
    const T sum = static_cast<T>(
        sum_over<T>(D, [=](auto read) CNN_LAMBDA { return weighed(read); }) / D);
    const T slope = static_cast<T>(sum_over<T>(D, [=](auto read) CNN_LAMBDA {
                                       return weighed(read) * ((read(x) - mean) * inv_std);
                                   }) / D);
    over_row<T>(D, [=](auto read, auto write) CNN_LAMBDA {
        const Vector<T> standard = (read(x) - mean) * inv_std;
        write(dx, inv_std * (weighed(read) - sum - standard * slope));
    });
}

template <class T>
void row_norm_parameter_sums(const T* dout, const T* x, const T* mean, const T* inv_std, Size rows,
                             Size D, int columns, T* workspace, double* products, double* sums) {
    T* product = workspace;
    T* sum = product + columns;
    clear(products, columns);
    clear(sums, columns);
    for (Size start = 0; start < rows; start += block_rows) {
        const Size stop = start + block_rows < rows ? start + block_rows : rows;
        clear(product, columns);
        clear(sum, columns);
        for (Size r = start; r < stop; ++r)
            over_channels<T>(columns, [=](auto read, auto write) CNN_LAMBDA {
                const Vector<T> d = read(dout + r * D);
                write(product, read(product) + d * ((read(x + r * D) - mean[r]) * inv_std[r]));
                write(sum, read(sum) + d);
            });
        for (int c = 0; c < columns; ++c) {
            products[c] += product[c];
            sums[c] += sum[c];
        }
    }
}

#define CNN_INSTANTIATE(T)                                                                       \
    template void norm_statistics(const T*, Size, int, T*, double*, double*);                    \
    template void norm_apply(const NormApply<T>&, Size, Size, int);                              \
    template void norm_gradient_sums(const NormGradient<T>&, Mask, Size, Size, int, T*, double*, \
                                     double*);                                                   \
    template void norm_input_gradient(const NormInputGradient<T>&, Mask, Size, Size, int);       \
    template void row_norm_forward(const RowNorm<T>&, const T*, double, T*, T*, T*);             \
    template void row_norm_backward(const RowNorm<T>&, const T*, const T*, T, T, T*);            \
    template void row_norm_parameter_sums(const T*, const T*, const T*, const T*, Size, Size,    \
                                          int, T*, double*, double*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
