// What is cut off of a result before it is stored: nothing, what is below 0, or what is
// above a ceiling besides (ReLU6).
#pragma once

namespace cnn {

template <class T> struct Relu {
    bool on, capped;
    T ceiling;

    static constexpr T no_ceiling = T(__builtin_nan(""));
    // from a bool by itself: a plain ReLU or none is what most callers ask for
    Relu(bool on, T ceiling = no_ceiling)
        : on(on), capped(on && ceiling == ceiling), ceiling(ceiling) {}
    explicit operator bool() const { return on; }
};

}  // namespace cnn

#ifdef CNN_LEVEL
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

// A plain ReLU is not charged for the ceiling, and several registers ask once: where few
// products stand behind a result, as in depthwise convolutions, each operation shows.
template <class T, int n> CNN_INLINE void cut_off(Vector<T>* v, const Relu<T>& by) {
    if (!by.on) return;
#pragma GCC unroll 16
    for (int k = 0; k < n; ++k) v[k] = relu<T>(v[k]);
    if (!by.capped) return;
#pragma GCC unroll 16
    for (int k = 0; k < n; ++k) v[k] = at_most<T>(v[k], by.ceiling);
}

template <class T> CNN_INLINE Vector<T> cut_off(Vector<T> v, const Relu<T>& by) {
    cut_off<T, 1>(&v, by);
    return v;
}

template <class T> CNN_INLINE T cut_off_number(T y, const Relu<T>& by) {
    if (!by.on) return y;
    if (y < 0) return 0;
    return by.capped && y > by.ceiling ? by.ceiling : y;
}

}  // namespace cnn::CNN_LEVEL
#endif
