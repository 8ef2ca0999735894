// Raw images of bytes come as (N, C, H, W) of any strides, batches go as (N, H, W, C).
#include "engine/image.hpp"

#include "bindings/arrays.hpp"

namespace cnn {
namespace {

template <class T> void bind(nb::module_& m) {
    m.def("images_from_bytes",
          [](Strided<std::uint8_t, 4> images, In<std::int64_t, 1> chosen,
             In<std::int32_t, 2> moves, int surround, In<std::int32_t, 2> holes,
             In<std::uint8_t, 1> fill, In<T, 2> values, Out<T, 4> out) {
              const ByteImage image{static_cast<int>(images.shape(1)),
                                    static_cast<int>(images.shape(2)),
                                    static_cast<int>(images.shape(3)),
                                    images.stride(1),
                                    images.stride(2),
                                    images.stride(3),
                                    static_cast<Surround>(surround)};
              using Moves = const std::int32_t(*)[3];
              using Holes = const std::int32_t(*)[4];
              unlocked([&] {
                  images_from_bytes<T>(image, chosen.shape(0), images.stride(0), images.data(),
                                       chosen.data(), reinterpret_cast<Moves>(moves.data()),
                                       reinterpret_cast<Holes>(holes.data()),
                                       fill.data(), values.data(), out.data());
              });
          },
          nb::arg("images").noconvert(), nb::arg("chosen").noconvert(),
          nb::arg("moves").noconvert(), nb::arg("surround"), nb::arg("holes").noconvert(),
          nb::arg("fill").noconvert(), nb::arg("values").noconvert(),
          nb::arg("out").noconvert());
}

}  // namespace

void bind_image(nb::module_& m) {
    bind<float>(m);
    bind<double>(m);
}

}  // namespace cnn
