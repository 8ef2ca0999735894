// The sums of a norm, taken over parts of its rows: joined in their order, in double.
//
// A part is [C][C]: means and Σ (x - mean)², or two kinds of sums.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/norm.hpp"
#include "memory/blocks.hpp"

namespace cnn {

// Room for the parts, and for what the kernels need of T for each worker.
template <class T> class NormParts {
  public:
    NormParts(std::ptrdiff_t parts, int C, int threads)
        : per_part_(std::ptrdiff_t(2) * C), per_worker_(std::ptrdiff_t(norm_workspace) * C + 64),
          parts_((parts * per_part_ + 1) * sizeof(double)),
          workspace_(per_worker_ * threads * sizeof(T)) {}
    double* of(std::ptrdiff_t part) const { return parts_.as<double>() + part * per_part_; }
    T* workspace(int worker) const { return workspace_.as<T>() + worker * per_worker_; }

  private:
    std::ptrdiff_t per_part_, per_worker_;
    Workspace parts_, workspace_;
};

// `rows(k)` are the rows of part k; mean and var of all of them. x is what they are of.
template <class T, class Rows>
void join_statistics(const double* parts, int n, int C, const Rows& rows, const T* x, double* mean,
                     double* var) {
    std::fill(mean, mean + C, 0.0);
    std::fill(var, var + C, 0.0);
    double before = 0;
    for (int k = 0; k < n; ++k, parts += 2 * C) {
        const double all = before + static_cast<double>(rows(k));
        const double share = static_cast<double>(rows(k)) / all;
        for (int c = 0; c < C; ++c) {
            const double distance = parts[c] - mean[c];
            var[c] += parts[C + c] + distance * distance * (before * share);
            mean[c] += distance * share;
        }
        before = all;
    }
    for (int c = 0; c < C && before > 0; ++c) {
        var[c] = var[c] < 0 ? 0 : var[c] / before;
        if (std::isfinite(mean[c])) continue;
        // where an input is not finite, differences say less than a plain sum
        double sum = 0;
        for (std::ptrdiff_t r = 0; r < static_cast<std::ptrdiff_t>(before); ++r)
            sum += static_cast<double>(x[r * C + c]);
        mean[c] = sum / before;
    }
}

inline void join_sums(const double* parts, int n, int C, double* sums, double* products) {
    std::fill(sums, sums + C, 0.0);
    std::fill(products, products + C, 0.0);
    for (int k = 0; k < n; ++k, parts += 2 * C)
        for (int c = 0; c < C; ++c) {
            sums[c] += parts[c];
            products[c] += parts[C + c];
        }
}

}  // namespace cnn
