// Optimizer steps over flat parameters, cut into ranges.
#pragma once

#include <cstddef>

#include "kernels/step.hpp"

namespace cnn {

template <class T>
void sgd_step(const SgdStep&, T* value, const T* grad, T* velocity, std::ptrdiff_t n);
template <class T>
void rmsprop_step(const RmspropStep&, T* value, const T* grad, T* square, T* velocity,
                  std::ptrdiff_t n);
template <class T>
void adam_step(const AdamStep&, T* value, const T* grad, T* mean, T* square, std::ptrdiff_t n);

}  // namespace cnn
