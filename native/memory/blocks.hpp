// Memory that is used again: fresh pages cost more than what is computed on them.
//
// A block that is given back is kept and handed to the next who asks for about its
// size; idle blocks together stay below a limit, the ones idle longest go first.
#pragma once

#include <cstddef>

namespace cnn {

// Aligned to a cache line and more; nullptr where the system has no memory.
void* take_block(std::size_t bytes);
void give_block(void* block);

void forget_idle_blocks();

// A workspace for the length of a scope.
class Workspace {
  public:
    explicit Workspace(std::size_t bytes);  // throws std::bad_alloc
    ~Workspace() { give_block(block_); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    template <class T> T* as() const { return static_cast<T*>(block_); }

  private:
    void* block_;
};

}  // namespace cnn
