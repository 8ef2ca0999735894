// A convolution of a block, between what makes its source and what follows its result.
#pragma once

#include "engine/conv2d.hpp"
#include "engine/images.hpp"

namespace cnn {

// out = conv(x); see conv2d_forward.
template <class T>
void conv_block_forward(const Conv2d&, Algorithm, Source<T>& x, const T* w, const T* b,
                        Sink<T>& out);

// dx plus an addend, dw and db, each where it is not null. dout is made in any case.
template <class T>
void conv_block_backward(const Conv2d&, Algorithm, Source<T>& x, Source<T>& dout, const T* w,
                         const T* addend, Sink<T>* dx, T* dw, T* db);

// Whether backward makes x some images at a time; where not, who keeps x from forward saves
// it from being made again as a whole.
template <class T> bool backward_is_cut(const Conv2d&);

}  // namespace cnn
