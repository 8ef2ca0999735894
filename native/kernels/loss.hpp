// Softmax and the losses over rows of K scores: what the kernels are told.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cnn {

// What is wanted of each row: its class, or K probabilities; smoothed by a share.
template <class T> struct Targets {
    const std::int64_t* labels;  // or null
    const T* probabilities;
    T smoothing;
};

// `rows` rows of K numbers in C order; `columns` columns of them at steps of `step`
// numbers from class to class.
template <class T> struct LossKernels {
    void (*softmax_rows)(const T* x, std::ptrdiff_t rows, std::ptrdiff_t K, bool logs, T* out);
    void (*softmax_columns)(const T* x, std::ptrdiff_t columns, std::ptrdiff_t K,
                            std::ptrdiff_t step, bool logs, T* out);
    void (*softmax_rows_backward)(const T* dout, const T* out, std::ptrdiff_t rows,
                                  std::ptrdiff_t K, bool logs, T* dx);
    void (*softmax_columns_backward)(const T* dout, const T* out, std::ptrdiff_t columns,
                                     std::ptrdiff_t K, std::ptrdiff_t step, bool logs, T* dx);
    // p = softmax(x); losses, one a row
    void (*cross_entropy)(const T* x, const Targets<T>&, std::ptrdiff_t rows, std::ptrdiff_t K,
                          T* p, double* losses);
    void (*cross_entropy_backward)(const T* p, const Targets<T>&, std::ptrdiff_t rows,
                                   std::ptrdiff_t K, T share, T* dx);
    void (*hinge)(const T* x, const std::int64_t* labels, std::ptrdiff_t rows, std::ptrdiff_t K,
                  double* losses);
    void (*hinge_backward)(const T* x, const std::int64_t* labels, std::ptrdiff_t rows,
                           std::ptrdiff_t K, T share, T* dx);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {

template <class T>
void softmax_rows(const T*, std::ptrdiff_t, std::ptrdiff_t, bool, T*);
template <class T>
void softmax_columns(const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, bool, T*);
template <class T>
void softmax_rows_backward(const T*, const T*, std::ptrdiff_t, std::ptrdiff_t, bool, T*);
template <class T>
void softmax_columns_backward(const T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t,
                              bool, T*);
template <class T>
void cross_entropy(const T*, const Targets<T>&, std::ptrdiff_t, std::ptrdiff_t, T*, double*);
template <class T>
void cross_entropy_backward(const T*, const Targets<T>&, std::ptrdiff_t, std::ptrdiff_t, T, T*);
template <class T>
void hinge(const T*, const std::int64_t*, std::ptrdiff_t, std::ptrdiff_t, double*);
template <class T>
void hinge_backward(const T*, const std::int64_t*, std::ptrdiff_t, std::ptrdiff_t, T, T*);

template <class T> constexpr LossKernels<T> loss_kernels() {
    return {softmax_rows<T>,  softmax_columns<T>,        softmax_rows_backward<T>,
            softmax_columns_backward<T>, cross_entropy<T>, cross_entropy_backward<T>,
            hinge<T>,         hinge_backward<T>};
}

}  // namespace cnn::CNN_LEVEL
#endif
