// Ops that see one entry at a time, over flat arrays of n numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cnn {

// Activations with a slope that depends on x alone; only leaky_relu has a parameter.
enum class Curve { relu6, leaky_relu, sigmoid, tanh, gelu, gelu_tanh, silu, hard_swish };
constexpr int n_curves = 8;

template <class T> struct CurveKernels {
    void (*forward)(const T* x, T parameter, T* out, std::ptrdiff_t n);
    void (*backward)(const T* dout, const T* x, T parameter, T* dx, std::ptrdiff_t n);
};

template <class T> struct ElementwiseKernels {
    // one bit an entry, 64 a word: where x <= 0 blocks the gradient
    void (*relu)(const T* x, T* out, std::uint64_t* blocked, std::ptrdiff_t n);
    void (*relu_backward)(const T* dout, const std::uint64_t* blocked, T* dx, std::ptrdiff_t n);
    // the same by the stored output of the ReLU
    void (*relu_mask)(const T* dout, const T* out, T* dx, std::ptrdiff_t n);
    void (*add_relu)(const T* x, const T* y, T* out, std::ptrdiff_t n);
    CurveKernels<T> curves[n_curves];
    void (*add)(const T* x, const T* y, T* out, std::ptrdiff_t n);
    void (*dropout)(const T* x, const bool* mask, T scale, T* out, std::ptrdiff_t n);
    double (*squared_distance)(const T* x, const T* y, std::ptrdiff_t n);
    void (*scaled_difference)(const T* x, const T* y, T scale, T* out, std::ptrdiff_t n);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {

template <class T> void relu_forward(const T*, T*, std::uint64_t*, std::ptrdiff_t);
template <class T> void relu_backward(const T*, const std::uint64_t*, T*, std::ptrdiff_t);
template <class T> void relu_mask(const T*, const T*, T*, std::ptrdiff_t);
template <class T> void add_relu(const T*, const T*, T*, std::ptrdiff_t);
template <class T, Curve curve> void curve_forward(const T*, T, T*, std::ptrdiff_t);
template <class T, Curve curve>
void curve_backward(const T*, const T*, T, T*, std::ptrdiff_t);
template <class T> void add(const T*, const T*, T*, std::ptrdiff_t);
template <class T> void dropout(const T*, const bool*, T, T*, std::ptrdiff_t);
template <class T> double squared_distance(const T*, const T*, std::ptrdiff_t);
template <class T> void scaled_difference(const T*, const T*, T, T*, std::ptrdiff_t);

template <class T, Curve curve> constexpr CurveKernels<T> curve_kernels() {
    return {curve_forward<T, curve>, curve_backward<T, curve>};
}

template <class T> constexpr ElementwiseKernels<T> elementwise_kernels() {
    return {relu_forward<T>,
            relu_backward<T>,
            relu_mask<T>,
            add_relu<T>,
            {curve_kernels<T, Curve::relu6>(), curve_kernels<T, Curve::leaky_relu>(),
             curve_kernels<T, Curve::sigmoid>(), curve_kernels<T, Curve::tanh>(),
             curve_kernels<T, Curve::gelu>(), curve_kernels<T, Curve::gelu_tanh>(),
             curve_kernels<T, Curve::silu>(), curve_kernels<T, Curve::hard_swish>()},
            add<T>,
            dropout<T>,
            squared_distance<T>,
            scaled_difference<T>};
}

}  // namespace cnn::CNN_LEVEL
#endif
