// Items that fit the caches, and enough of them to keep the threads busy.
#include "engine/partition.hpp"

#include <algorithm>

#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size close_bytes = 256 << 10;   // what an item's rows may take of L2
constexpr int full_tile = 12;             // pixels
constexpr Size panels_bytes = 512 << 10;  // filters up to here stay in L2 beside them
constexpr Size sums_bytes = 8 << 20;      // what the sums of all slices may take

struct Extent {
    int rows, width;  // of the padded source under some rows of the result
};

Extent extent(const Correlation& c, int rows_out) {
    return {(rows_out - 1) * c.stride_h + (c.HH - 1) * c.dilation_h + 1,
            (c.W_out - 1) * c.stride_w + (c.WW - 1) * c.dilation_w + 1};
}

// More than any machine has, and little enough to be multiplied by threads and bytes.
constexpr Size most_numbers = Size(1) << 48;

Size numbers(const Correlation& c, int rows_out) {
    const Extent e = extent(c, rows_out);
    Size size;
    if (__builtin_mul_overflow(Size(std::max(e.rows, 0)) * e.width, Size(c.C), &size))
        return most_numbers;
    return std::min(size, most_numbers);
}

}  // namespace

Partition partition(const Correlation& c, int n_panels, Size packed_bytes, int number_bytes,
                    int rows_in_place) {
    const int threads = n_threads();
    Partition p{};
    p.n_panels = n_panels;
    p.rows = c.H_out, p.images = 1;
    if (rows_in_place)
        p.rows = ceil_div(c.H_out, ceil_div(c.H_out, rows_in_place));
    else
        while (p.rows > 1 && numbers(c, p.rows) * number_bytes > close_bytes)
            p.rows = (p.rows + 1) / 2;
    // many filters: each goes over several images before the next is fetched
    if (!rows_in_place && p.rows == c.H_out && packed_bytes > panels_bytes)
        p.images = std::clamp(ceil_div(192, Size(c.H_out) * c.W_out), 1, c.N);
    // rows of few pixels go on in the next image, so that tiles are full
    else if (!rows_in_place && p.rows == c.H_out && 2 * c.W_out <= full_tile && c.N >= 32)
        p.images = full_tile / std::max(c.W_out, 1);
    // filters that come from far are read once where the images are few: who takes some
    // panels goes over all rows
    const bool by_panels = p.rows == c.H_out && packed_bytes > panels_bytes &&
                           ceil_div(c.N, p.images) == 1 && n_panels >= 2 * threads;
    while (!by_panels && p.rows > 2 && ceil_div(c.H_out, p.rows) * Size(c.N) < 8 * threads)
        p.rows = (p.rows + 1) / 2;
    p.row_blocks = ceil_div(c.H_out, p.rows), p.image_blocks = ceil_div(c.N, p.images);
    const int blocks = p.row_blocks * p.image_blocks;
    const int splits =
        by_panels ? 2 * threads
                  : std::min(n_panels, blocks < 4 * threads ? ceil_div(4 * threads, blocks) : 1);
    // the longest span with which no thread waits long for the last items of another
    auto longest = [&](int span) {
        return ceil_div(Size(blocks) * ceil_div(n_panels, span), threads) * Size(span);
    };
    p.span = ceil_div(n_panels, splits);
    if (splits > 1)
        for (int span = p.span - 1; span > 0; --span)
            if (longest(span) < longest(p.span)) p.span = span;
    p.panel_blocks = ceil_div(n_panels, p.span);
    p.workspace = rows_in_place ? 0 : p.images * numbers(c, p.rows);
    return p;
}

CorrelationItem Partition::item(const Correlation& c, int k) const {
    const int panel = k % panel_blocks * span, block = k / panel_blocks;
    const int i = block % row_blocks * rows, n = block / row_blocks * images;
    return {n, std::min(n + images, c.N), i, std::min(i + rows, c.H_out), panel,
            std::min(panel + span, n_panels)};
}

Slices slices_of(const Correlation& c, int n_panels, Size slice_bytes) {
    constexpr int most_slices = 16, pixels_at_a_time = 96;
    // panels of one item share what is copied of the images; the cut into panels decides no bits
    const int items_wanted = 4 * n_threads();
    Slices s{};
    s.slices = static_cast<int>(std::clamp<Size>(sums_bytes / std::max<Size>(slice_bytes, 1), 1,
                                                 std::clamp(c.N, 1, most_slices)));
    s.span = ceil_div(n_panels, std::min(n_panels, ceil_div(items_wanted, s.slices)));
    s.panel_blocks = ceil_div(n_panels, s.span);
    s.rows = std::clamp(ceil_div(pixels_at_a_time, c.W_out), 1, std::max(c.H_out, 1));
    s.workspace = numbers(c, s.rows);
    return s;
}

FilterGradientItem Slices::item(const Correlation& c, int n_panels, int k) const {
    const int slice = k / panel_blocks, panel = k % panel_blocks * span;
    return {slice, static_cast<int>(Size(c.N) * slice / slices),
            static_cast<int>(Size(c.N) * (slice + 1) / slices), panel,
            std::min(panel + span, n_panels), rows};
}

}  // namespace cnn
