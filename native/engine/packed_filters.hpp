// Filters as the kernels read them, kept from call to call.
//
// Training packs its filters at every step, since they change. A network that only infers
// packs them once: what an algorithm wants is made when it first runs, and kept.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "memory/blocks.hpp"

namespace cnn {

// Winograd's by the points along an axis, those of planes by the filters of a block.
enum class Packing {
    direct, grouped, depthwise, pointwise, planes4, planes8, winograd4, winograd6, winograd_rows
};
constexpr int n_packings = 9;

template <class T> class PackedFilters {
  public:
    // The filters in one packing; `fill` makes them the first time. Safe from any thread.
    template <class Fill> const T* get(Packing packing, std::ptrdiff_t numbers, const Fill& fill) {
        Slot& slot = slots_[static_cast<int>(packing)];
        if (const T* made = slot.made.load(std::memory_order_acquire)) return made;
        std::lock_guard<std::mutex> lock(mutex_);
        if (!slot.space) {
            auto space = std::make_unique<Workspace>((numbers + 64) * sizeof(T));
            fill(space->template as<T>());
            slot.space = std::move(space);
            slot.made.store(slot.space->template as<T>(), std::memory_order_release);
        }
        return slot.space->template as<T>();
    }

  private:
    struct Slot {
        std::unique_ptr<Workspace> space;
        std::atomic<const T*> made{nullptr};
    };
    Slot slots_[n_packings];
    std::mutex mutex_;
};

// The filters of one call: from those that are kept, or packed for this call alone.
template <class T> class FiltersOfCall {
  public:
    template <class Fill>
    FiltersOfCall(PackedFilters<T>* kept, Packing packing, std::ptrdiff_t numbers,
                  const Fill& fill) {
        if (kept) {
            at_ = kept->get(packing, numbers, fill);
        } else {
            own_ = std::make_unique<Workspace>((numbers + 64) * sizeof(T));
            fill(own_->template as<T>());
            at_ = own_->template as<T>();
        }
    }
    operator const T*() const { return at_; }

  private:
    std::unique_ptr<Workspace> own_;
    const T* at_;
};

}  // namespace cnn
