// Ops that see one entry at a time.
//
//   out[k] = f(x[k]),   dx[k] = dout[k]·f'(x[k])
//
// Plan. One pass over memory, a register of entries at a time; the functions themselves
// stand in simd/curves.hpp. Slopes are computed from x again: that costs less than
// writing and reading an array of them.
#include "kernels/elementwise.hpp"

#include "simd/curves.hpp"

namespace cnn::CNN_LEVEL {
namespace {

template <class T, class F> CNN_INLINE void map(const T* x, T* out, std::ptrdiff_t n, F f) {
    std::ptrdiff_t k = 0;
    // main loop
    for (; k + lanes<T> <= n; k += lanes<T>) store(out + k, f(load(x + k)));
    // tail
    const int left = static_cast<int>(n - k);
    if (left) store_first(out + k, f(load_first(x + k, left)), left);
}

template <class T, class F>
CNN_INLINE void map(const T* x, const T* y, T* out, std::ptrdiff_t n, F f) {
    std::ptrdiff_t k = 0;
    // main loop
    for (; k + lanes<T> <= n; k += lanes<T>) store(out + k, f(load(x + k), load(y + k)));
    // tail
    const int left = static_cast<int>(n - k);
    if (left) store_first(out + k, f(load_first(x + k, left), load_first(y + k, left)), left);
}

constexpr double root_2_over_pi = 0.79788456080286535588;  // √(2/π)
constexpr double inv_root_2_pi = 0.39894228040143267794;   // 1/√(2π)
constexpr double cubic = 0.044715;

template <class T> CNN_INLINE Vector<T> gelu_tanh_of(Vector<T> x) {
    return tanh_of<T>(T(root_2_over_pi) * (x + T(cubic) * x * x * x));
}

template <class T, Curve curve> CNN_INLINE Vector<T> value(Vector<T> x, T parameter) {
    if constexpr (curve == Curve::relu6) return at_most<T>(relu<T>(x), 6);
    if constexpr (curve == Curve::leaky_relu) return x > 0 ? x : x * parameter;
    if constexpr (curve == Curve::sigmoid) return logistic<T>(x);
    if constexpr (curve == Curve::tanh) return tanh_of<T>(x);
    if constexpr (curve == Curve::gelu) return x * normal<T>(x).share;
    if constexpr (curve == Curve::gelu_tanh) return x * (T(0.5) * (1 + gelu_tanh_of<T>(x)));
    if constexpr (curve == Curve::silu) return x * logistic<T>(x);
    if constexpr (curve == Curve::hard_swish) {
        Vector<T> piece = x + 3;
        piece = piece < 0 ? Vector<T>{} : piece;
        piece = piece > 6 ? broadcast<T>(6) : piece;
        return x * piece / 6;
    }
}

// Where the definition multiplies dout by one factor after the other, so does this: the
// infinite and the undefined come out alike.
template <class T, Curve curve>
CNN_INLINE Vector<T> gradient(Vector<T> dout, Vector<T> x, T parameter) {
    if constexpr (curve == Curve::relu6) {
        const Vector<T> above = x <= 0 ? Vector<T>{} : dout;
        return x >= 6 ? Vector<T>{} : above;
    }
    if constexpr (curve == Curve::leaky_relu) return x > 0 ? dout : dout * parameter;
    if constexpr (curve == Curve::sigmoid) {
        const Vector<T> s = logistic<T>(x);
        return dout * s * (1 - s);
    }
    if constexpr (curve == Curve::tanh) {
        const Vector<T> t = tanh_of<T>(x);
        return dout * (1 - t * t);
    }
    if constexpr (curve == Curve::gelu) {
        const Normal<T> phi = normal<T>(x);
        return dout * (phi.share + x * (phi.bell * T(inv_root_2_pi)));
    }
    if constexpr (curve == Curve::gelu_tanh) {
        const Vector<T> t = gelu_tanh_of<T>(x);
        const Vector<T> density =
            T(0.5) * (1 - t * t) * T(root_2_over_pi) * (1 + T(3 * cubic) * x * x);
        return dout * (T(0.5) * (1 + t) + x * density);
    }
    if constexpr (curve == Curve::silu) {
        const Vector<T> s = logistic<T>(x);
        return dout * s * (1 + x * (1 - s));
    }
    if constexpr (curve == Curve::hard_swish) {
        Vector<T> slope = x / 3 + T(0.5);
        slope = x >= 3 ? broadcast<T>(1) : slope;
        slope = x <= -3 ? Vector<T>{} : slope;
        return dout * slope;
    }
}

constexpr int word_bits = 64;

}  // namespace

template <class T>
void relu_forward(const T* x, T* out, std::uint64_t* blocked, std::ptrdiff_t n) {
    std::ptrdiff_t k = 0;
    // main loop: 64 entries, one word
    for (; k + word_bits <= n; k += word_bits) {
        std::uint64_t word = 0;
#pragma GCC unroll 32
        for (int j = 0; j < word_bits; j += lanes<T>) {
            const Vector<T> v = load(x + k + j);
            word |= bits_of<T>(v <= 0) << j;
            store(out + k + j, relu<T>(v));
        }
        *blocked++ = word;
    }
    // tail
    if (k == n) return;
    std::uint64_t word = 0;
    for (int j = 0; k + j < n; ++j) {
        const T v = x[k + j];
        word |= std::uint64_t(v <= 0) << j;
        out[k + j] = v < 0 ? T(0) : v;
    }
    *blocked = word;
}

template <class T>
void relu_backward(const T* dout, const std::uint64_t* blocked, T* dx, std::ptrdiff_t n) {
    std::ptrdiff_t k = 0;
    // main loop: 64 entries, one word
    for (; k + word_bits <= n; k += word_bits) {
        const std::uint64_t word = *blocked++;
#pragma GCC unroll 32
        for (int j = 0; j < word_bits; j += lanes<T>)
            store(dx + k + j, cleared<T>(load(dout + k + j), word >> j));
    }
    // tail
    for (int j = 0; k + j < n; ++j) dx[k + j] = *blocked >> j & 1 ? T(0) : dout[k + j];
}

template <class T, Curve curve>
void curve_forward(const T* x, T parameter, T* out, std::ptrdiff_t n) {
    map(x, out, n, [=](Vector<T> v) { return value<T, curve>(v, parameter); });
}

template <class T, Curve curve>
void curve_backward(const T* dout, const T* x, T parameter, T* dx, std::ptrdiff_t n) {
    map(dout, x, dx, n,
        [=](Vector<T> d, Vector<T> v) { return gradient<T, curve>(d, v, parameter); });
}

template <class T> void relu_mask(const T* dout, const T* out, T* dx, std::ptrdiff_t n) {
    map(dout, out, dx, n, [](Vector<T> d, Vector<T> y) { return y > 0 ? d : Vector<T>{}; });
}

template <class T> void add_relu(const T* x, const T* y, T* out, std::ptrdiff_t n) {
    map(x, y, out, n, [](Vector<T> a, Vector<T> b) { return relu<T>(a + b); });
}

template <class T> void add(const T* x, const T* y, T* out, std::ptrdiff_t n) {
    map(x, y, out, n, [](Vector<T> a, Vector<T> b) { return a + b; });
}

template <class T>
void dropout(const T* x, const bool* mask, T scale, T* out, std::ptrdiff_t n) {
    std::ptrdiff_t k = 0;
    // main loop
    for (; k + lanes<T> <= n; k += lanes<T>) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(mask + k);
        store(out + k, load_small<T>(bytes) != 0 ? load(x + k) * scale : Vector<T>{});
    }
    // tail
    for (; k < n; ++k) out[k] = mask[k] ? x[k] * scale : T(0);
}

// Σ (x - y)²: in lanes over short runs, their sums in double.
template <class T> double squared_distance(const T* x, const T* y, std::ptrdiff_t n) {
    constexpr std::ptrdiff_t run = 32 * lanes<T>;
    double total = 0;
    for (std::ptrdiff_t start = 0; start < n; start += run) {
        const std::ptrdiff_t end = start + run < n ? start + run : n;
        Vector<T> sums = {};
        std::ptrdiff_t k = start;
        for (; k + lanes<T> <= end; k += lanes<T>) {
            const Vector<T> d = load(x + k) - load(y + k);
            sums += d * d;
        }
        const int left = static_cast<int>(end - k);
        if (left) {
            const Vector<T> d = load_first(x + k, left) - load_first(y + k, left);
            sums += d * d;
        }
        total += sum_of_lanes<T>(sums);
    }
    return total;
}

template <class T>
void scaled_difference(const T* x, const T* y, T scale, T* out, std::ptrdiff_t n) {
    map(x, y, out, n, [=](Vector<T> a, Vector<T> b) { return (a - b) * scale; });
}

#define CNN_CURVE(T, curve)                                                          \
    template void curve_forward<T, Curve::curve>(const T*, T, T*, std::ptrdiff_t);   \
    template void curve_backward<T, Curve::curve>(const T*, const T*, T, T*, std::ptrdiff_t);
#define CNN_INSTANTIATE(T)                                                                     \
    template void relu_forward(const T*, T*, std::uint64_t*, std::ptrdiff_t);                  \
    template void relu_backward(const T*, const std::uint64_t*, T*, std::ptrdiff_t);           \
    template void relu_mask(const T*, const T*, T*, std::ptrdiff_t);                           \
    template void add_relu(const T*, const T*, T*, std::ptrdiff_t);                            \
    template void add(const T*, const T*, T*, std::ptrdiff_t);                                 \
    template void dropout(const T*, const bool*, T, T*, std::ptrdiff_t);                       \
    template double squared_distance(const T*, const T*, std::ptrdiff_t);                      \
    template void scaled_difference(const T*, const T*, T, T*, std::ptrdiff_t);                \
    CNN_CURVE(T, relu6)                                                                        \
    CNN_CURVE(T, leaky_relu)                                                                   \
    CNN_CURVE(T, sigmoid)                                                                      \
    CNN_CURVE(T, tanh)                                                                         \
    CNN_CURVE(T, gelu)                                                                         \
    CNN_CURVE(T, gelu_tanh)                                                                    \
    CNN_CURVE(T, silu)                                                                         \
    CNN_CURVE(T, hard_swish)
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
