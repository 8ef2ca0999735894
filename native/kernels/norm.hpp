// Normalisation: what the kernels are told.
//
// By channel: an image is a matrix of `rows` pixels by C channels, in C order; the kernels
// see some rows of it. batch_norm is one such image made of the whole batch, group_norm
// takes each image by itself. By row: layer_norm's rows of D numbers.
#pragma once

#include <cstddef>

#include "kernels/relu.hpp"

namespace cnn {

// Which gradients a ReLU after the norm lets through: all (no ReLU), those where
// x·scale + shift is positive, or those where the stored output is; of both, those where
// it lies below the ceiling too.
enum class Mask { none, affine, output };

// All per channel but dout, x and out.
template <class T> struct NormGradient {
    const T* dout;
    const T* x;
    const T* mean;
    const T* scale;  // for Mask::affine
    const T* shift;
    const T* out;    // for Mask::output
    T ceiling = Relu<T>::no_ceiling;
    T* through = nullptr;  // where the sums leave what was let through; may be dout
};

template <class T> struct NormApply {
    const T* x;
    const T* scale;
    const T* shift;
    const T* residual;  // of the shape of x, or null
    Relu<T> relu;
    T* out;
    bool past_caches = false;  // out is larger than they are
};

// dx = a·g + b·(x - mean) + c with g = the gradient that the mask let through, which goes
// to dresidual too where that is not null.
template <class T> struct NormInputGradient {
    NormGradient<T> from;
    const T* a;
    const T* b;
    const T* c;
    T* dx;
    T* dresidual;
    bool past_caches = false;
};

template <class T> struct RowNorm {
    std::ptrdiff_t D;
    const T* gamma;  // D, or null
    const T* beta;
};

constexpr int norm_workspace = 3;  // times C numbers of T, for the kernels by channel

template <class T> struct NormKernels {
    void (*statistics)(const T* x, std::ptrdiff_t rows, int C, T* workspace, double* mean,
                       double* squares);
    void (*apply)(const NormApply<T>&, std::ptrdiff_t begin, std::ptrdiff_t end, int C);
    void (*gradient_sums)(const NormGradient<T>&, Mask, std::ptrdiff_t begin, std::ptrdiff_t end,
                          int C, T* workspace, double* sums, double* products);
    void (*input_gradient)(const NormInputGradient<T>&, Mask, std::ptrdiff_t begin,
                           std::ptrdiff_t end, int C);

    void (*row_forward)(const RowNorm<T>&, const T* x, double eps, T* out, T* mean, T* inv_std);
    void (*row_backward)(const RowNorm<T>&, const T* dout, const T* x, T mean, T inv_std, T* dx);
    // over some rows and columns: sums of dout·x̂ and of dout
    void (*row_parameter_sums)(const T* dout, const T* x, const T* mean, const T* inv_std,
                               std::ptrdiff_t rows, std::ptrdiff_t D, int columns, T* workspace,
                               double* products, double* sums);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {

template <class T>
void norm_statistics(const T*, std::ptrdiff_t, int, T*, double*, double*);
template <class T> void norm_apply(const NormApply<T>&, std::ptrdiff_t, std::ptrdiff_t, int);
template <class T>
void norm_gradient_sums(const NormGradient<T>&, Mask, std::ptrdiff_t, std::ptrdiff_t, int, T*,
                        double*, double*);
template <class T>
void norm_input_gradient(const NormInputGradient<T>&, Mask, std::ptrdiff_t, std::ptrdiff_t, int);
template <class T>
void row_norm_forward(const RowNorm<T>&, const T*, double, T*, T*, T*);
template <class T>
void row_norm_backward(const RowNorm<T>&, const T*, const T*, T, T, T*);
template <class T>
void row_norm_parameter_sums(const T*, const T*, const T*, const T*, std::ptrdiff_t,
                             std::ptrdiff_t, int, T*, double*, double*);

template <class T> constexpr NormKernels<T> norm_kernels() {
    return {norm_statistics<T>,     norm_apply<T>,       norm_gradient_sums<T>,
            norm_input_gradient<T>, row_norm_forward<T>, row_norm_backward<T>,
            row_norm_parameter_sums<T>};
}

}  // namespace cnn::CNN_LEVEL
#endif
