// The extension module cnnpy.backends.native._native.
#include "bindings/arrays.hpp"

NB_MODULE(_native, m) {
    m.doc() = "The compiled kernels; reached through cnnpy.backends.native alone.";
    cnn::bind_engine(m);
    cnn::bind_conv2d(m);
    cnn::bind_conv_block(m);
    cnn::bind_linear(m);
    cnn::bind_elementwise(m);
    cnn::bind_loss(m);
    cnn::bind_norm(m);
    cnn::bind_pool(m);
    cnn::bind_program(m);
    cnn::bind_shape(m);
    cnn::bind_step(m);
    cnn::bind_image(m);
}
