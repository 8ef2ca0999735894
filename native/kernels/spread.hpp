// The gradient of images with few channels, as its kernel is told of it.
#pragma once

#include <cstddef>

namespace cnn {

struct Spread {
    int H, W, C;          // of dx
    int H_out, W_out, F;  // of dout
    int HH, WW, stride_h, stride_w, padding_h, padding_w, dilation_h;
    int width;            // of the packed rows: WW*C, padded to whole registers

    // the image with everything that a window reaches: what the kernel adds up in
    int rows() const { return (H_out - 1) * stride_h + (HH - 1) * dilation_h + 1; }
    int columns() const { return (W_out - 1) * stride_w + WW; }
    std::ptrdiff_t workspace() const {
        return std::ptrdiff_t(rows()) * columns() * C + std::ptrdiff_t(W_out) * width + 64;
    }
};

template <class T> struct SpreadKernels {
    // w (F, C, HH, WW) → packed[u][f][v*C + c]
    void (*pack)(const Spread&, const T* w, T* packed);
    // dx of one image
    void (*image)(const Spread&, const T* dout, const T* packed, const T* bias, T* dx,
                  T* workspace);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {
extern const SpreadKernels<float> spread_f32;
extern const SpreadKernels<double> spread_f64;
}  // namespace cnn::CNN_LEVEL
#endif
