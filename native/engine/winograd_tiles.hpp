// Which of Winograd's tiles a 3×3 or 5×5 convolution takes, and whether they pay: by the
// shape alone.
//
// Counted are multiply-adds for each pair of a channel and a filter. A tile of a² points
// costs a² of them; its transforms are shared by all channels or filters on the other
// side; and each of the a² numbers that a filter has become is fetched once, which costs
// as much as some multiply-adds. So many tiles want few products, a² / m² a pixel, and few
// tiles want small filters: 36 / 9 as large for F(4×4, 3×3), 16 / 9 for F(2×2, 3×3).
#pragma once

#include "engine/geometry.hpp"

namespace cnn {

constexpr double transforms_of_a_point = 18;  // of both sides, in multiply-adds a number
constexpr Size filters_near = 1 << 20;        // bytes that stay in L2 from call to call
constexpr double fetched_near = 2, fetched_far = 12;  // multiply-adds a number of a filter

struct Cost {
    int C, F, number_bytes;

    double fetch(int points) const {
        return Size(points) * C * F * number_bytes <= filters_near ? fetched_near : fetched_far;
    }
    double direct(int taps, Size pixels) const {
        return taps * (static_cast<double>(pixels) + fetch(taps));
    }
    double winograd(int points, Size tiles) const {
        const double shared = 1 + transforms_of_a_point * (1.0 / C + 1.0 / F);
        return points * (static_cast<double>(tiles) * shared + fetch(points));
    }
};

inline Size tiles_of(int N, int H_out, int W_out, int m) {
    return Size(N) * ceil_div(H_out, m) * ceil_div(W_out, m);
}

// m of F(m×m, r×r).
inline int tile_size(const Cost& cost, int r, int N, int H_out, int W_out) {
    if (r == 5) return 2;
    const double by4 = cost.winograd(36, tiles_of(N, H_out, W_out, 4));
    const double by2 = cost.winograd(16, tiles_of(N, H_out, W_out, 2));
    return by4 <= by2 ? 4 : 2;
}

}  // namespace cnn
