// Normalisation by channel, in four passes that a caller combines, and by row.
//
// By channel, x is `images` matrices of `rows` pixels by C channels in channels-last
// memory; everything per channel is (images, C). batch_norm takes the batch as one image
// of N·H·W rows, group_norm each image by itself. A ReLU, and the sum with a residual
// branch before it, can be part of the passes.
#pragma once

#include <cstddef>

#include "kernels/norm.hpp"

namespace cnn {

struct ChannelRows {
    int images;
    std::ptrdiff_t rows;
    int C;
};

// The mean, and the variance as it is in the batch (divided by rows); 0 for no rows.
template <class T>
void norm_statistics(const ChannelRows&, const T* x, double* mean, double* var);

// out = x·scale + shift, + residual, cut off below 0. out may be x or residual.
template <class T> void norm_apply(const ChannelRows&, const NormApply<T>&);

// sums = Σ g, products = Σ g·(x - mean), with g = dout where the mask lets it through.
template <class T>
void norm_gradient_sums(const ChannelRows&, const NormGradient<T>&, Mask, double* sums,
                        double* products);

// dx = a·g + b·(x - mean) + c; dx or dresidual may be dout.
template <class T>
void norm_input_gradient(const ChannelRows&, const NormInputGradient<T>&, Mask);

// `rows` rows of D numbers, each with its mean and 1/std.
template <class T>
void row_norm_forward(const RowNorm<T>&, std::ptrdiff_t rows, const T* x, double eps, T* out,
                      T* mean, T* inv_std);
// dx, and dgamma and dbeta (D); any of them may be null.
template <class T>
void row_norm_backward(const RowNorm<T>&, std::ptrdiff_t rows, const T* dout, const T* x,
                       const T* mean, const T* inv_std, T* dx, T* dgamma, T* dbeta);

}  // namespace cnn
