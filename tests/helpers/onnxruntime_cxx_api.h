// The few declarations of onnxruntime's C++ interface that the example of docs/export.md uses, with
// a model that answers with the sum of the first column: to compile and run the example without it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

enum OrtAllocatorType { OrtDeviceAllocator = 0 };
enum OrtMemType { OrtMemTypeCPU = -1 };
enum OrtLoggingLevel { ORT_LOGGING_LEVEL_WARNING = 2 };

namespace Ort {
struct Env {
  Env(OrtLoggingLevel, const char*) {}
};
struct SessionOptions {
  SessionOptions& SetIntraOpNumThreads(int) { return *this; }
};
struct RunOptions {
  explicit RunOptions(std::nullptr_t) {}
};
struct MemoryInfo {
  static MemoryInfo CreateCpu(OrtAllocatorType, OrtMemType) { return {}; }
};
struct Value {
  std::vector<float> data;
  std::vector<std::int64_t> shape;
  template <typename T>
  static Value CreateTensor(const MemoryInfo&, T* data, std::size_t count,
                            const std::int64_t* shape, std::size_t rank) {
    return {{data, data + count}, {shape, shape + rank}};
  }
  template <typename T>
  const T* GetTensorData() const { return data.data(); }
};
struct Session {
  Session(const Env&, const char*, const SessionOptions&) {}
  std::vector<Value> Run(const RunOptions&, const char* const*, const Value* inputs, std::size_t,
                         const char* const*, std::size_t) {
    const auto& shape = inputs->shape;
    std::vector<float> sums(shape.at(0), 0.f);
    for (std::size_t i = 0; i < sums.size(); ++i)
      for (std::int64_t k = 0; k < shape.at(1); ++k)
        sums[i] += inputs->data.at((i * shape[1] + k) * shape.at(2));
    return {Value{sums, {shape[0]}}};
  }
};
}  // namespace Ort
