// The gradient towards images with few channels.
#pragma once

#include "engine/conv2d.hpp"

namespace cnn {

template <class T> bool spread_pays(const Conv2d&);

template <class T>
void spread_input_gradient(const Conv2d&, const T* dout, const T* w, const T* b, T* dx);

}  // namespace cnn
