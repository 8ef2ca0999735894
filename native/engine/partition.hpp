// How convolutions are cut into items.
#pragma once

#include "engine/geometry.hpp"

namespace cnn {

// What lies beyond the image: zeros that are part of the op, as forward's padding is, or
// nothing at all.
enum class Beyond { zeros, nothing };

// Of a correlation. Each result is computed whole inside one item, so the bits do not
// depend on the partition, and it may know how many threads there are.
struct Partition {
    int rows, images, span;  // of an item: rows of the result, images, panels
    int row_blocks, image_blocks, panel_blocks, n_panels;
    Size workspace;  // numbers that an item's padded rows take

    int items() const { return row_blocks * image_blocks * panel_blocks; }
    CorrelationItem item(const Correlation& c, int k) const;
};

// Of a source that is read in place so many rows of an item, and no copy: rows_in_place > 0.
Partition partition(const Correlation&, int n_panels, Size packed_bytes, int number_bytes,
                    int rows_in_place = 0);

// Of the gradient of small groups' filters: slices of the images that have sums of their own.
// Slices and rows by the shape alone, since the order of the sums decides the bits; the span
// may know how many threads there are.
struct Slices {
    int slices, span, panel_blocks;
    int rows;        // of the result at a time
    Size workspace;  // numbers that the padded rows take

    int items() const { return slices * panel_blocks; }
    FilterGradientItem item(const Correlation& c, int n_panels, int k) const;
};

Slices slices_of(const Correlation&, int n_panels, Size slice_bytes);

// sums[slice][n] added up in their order.
template <class T> void add_slices(const T* sums, int slices, int n, T* total) {
    for (int k = 0; k < n; ++k) {
        T t = 0;
        for (int s = 0; s < slices; ++s) t += sums[Size(s) * n + k];
        total[k] = t;
    }
}

}  // namespace cnn
