// The table of kernels: one instance a level, filled by kernels/table.cpp.
#pragma once

#include "kernels/correlation.hpp"
#include "kernels/depthwise.hpp"
#include "kernels/filter_gradient.hpp"
#include "kernels/grouped.hpp"
#include "kernels/planes.hpp"
#include "kernels/pointwise.hpp"
#include "kernels/winograd.hpp"
#include "kernels/winograd_rows.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/image.hpp"
#include "kernels/loss.hpp"
#include "kernels/norm.hpp"
#include "kernels/pool.hpp"
#include "kernels/shape.hpp"
#include "kernels/step.hpp"

namespace cnn {

template <class T> struct Kernels {
    int lanes, tile_vectors, tile_rows;  // how filters are packed, and pixels cut into tiles
    int permuted_lanes;  // of how many neighbouring numbers a permutation fills a register

    void (*correlate)(const Correlation&, const Panels&, const CorrelationArrays<T>&,
                      const CorrelationItem&, T* workspace);
    void (*correlate_inside)(const Correlation&, const Panels&, const CorrelationArrays<T>&,
                             const CorrelationItem&, T* workspace);
    bool (*pack_filters)(const Correlation&, const Panels&, const T* w, const FilterSteps&,
                         T* packed, int panel);
    const FilterGradientKernels<T>* filter_gradient;
    const WinogradKernels<T>* winograd;
    const WinogradRowsKernels<T>* winograd_rows;  // float32 only
    const GroupedKernels<T>* grouped;
    const GroupedKernels<T>* inner;  // more channels than filters in a group
    const DepthwiseKernels<T>* depthwise;
    const PlanesKernels<T>* planes;
    const PointwiseKernels<T>* pointwise;

    ElementwiseKernels<T> elementwise;
    PoolKernels<T> pool;
    NormKernels<T> norm;
    LossKernels<T> loss;
    ShapeKernels<T> shape;
    StepKernels<T> step;
    ImageKernels<T> image;
};

struct Level {
    const char* name;
    Kernels<float> f32;
    Kernels<double> f64;
};

template <class T> const Kernels<T>& kernels_of(const Level& level);
template <> inline const Kernels<float>& kernels_of(const Level& level) { return level.f32; }
template <> inline const Kernels<double>& kernels_of(const Level& level) { return level.f64; }

}  // namespace cnn

// What each level's namespace defines; the files beside this one hold the bodies.
#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {

template <class T>
void correlate(const Correlation&, const Panels&, const CorrelationArrays<T>&,
               const CorrelationItem&, T* workspace);
template <class T>
void correlate_inside(const Correlation&, const Panels&, const CorrelationArrays<T>&,
                      const CorrelationItem&, T* workspace);
template <class T>
bool pack_filters(const Correlation&, const Panels&, const T* w, const FilterSteps&, T* packed,
                  int panel);

}  // namespace cnn::CNN_LEVEL
#endif
