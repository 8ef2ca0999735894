// The extension module cnnpy.backends.native._native.
#include "bindings/arrays.hpp"

NB_MODULE(_native, m) {
    m.doc() = "The compiled kernels; reached through cnnpy.backends.native alone.";
    cnn::bind_engine(m);
    cnn::bind_conv2d(m);
    cnn::bind_linear(m);
}
