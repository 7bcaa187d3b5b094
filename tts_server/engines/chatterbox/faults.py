"""Classifies the exceptions of PyTorch and the libraries below it: out of memory, device lost, or neither.

Memory errors are transient: smaller work may succeed. After a *sticky* device error every later call on the device fails, in this process
and until it ends (CUDA C Programming Guide, "Error Checking"). Errors of a CUDA graph capture are neither, whatever their text says: the
capture is void, but the device still works.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch

_CAPTURE = re.compile(
    r"capture|cudaErrorStreamCapture|hipErrorStreamCapture"
    r"|Cannot (call|use) .* (while|during) .*captur|operation not permitted when stream is captur|CUDA [Gg]raph is empty",
    re.IGNORECASE,
)

_OUT_OF_MEMORY = re.compile(
    r"out of memory|\bOOM\b|\boutofmemory|(cuda|hip)Error(MemoryAllocation|OutOfMemory)|CUDA_ERROR_OUT_OF_MEMORY"
    r"|(CUBLAS|CUDNN|CUSPARSE|CUSOLVER|CUFFT|HIPBLAS|ROCBLAS|HIPSPARSE)_STATUS_(\w+_)?(ALLOC_FAILED|MEMORY_ERROR|INSUFFICIENT_RESOURCES)"
    r"|CUFFT_ALLOC_FAILED|HIPFFT_ALLOC_FAILED|miopenStatusAllocFailed|rocblas_status_memory_error"
    r"|(can't|cannot|can not|could not|couldn't|failed to|unable to) (allocate|alloc|reserve|mmap)\b"
    r"|not enough (GPU |device |host |system )?memory|insufficient (device |host )?memory|memory allocation fail|allocation fail"
    r"|std::bad_alloc|\bbad_alloc\b|DefaultCPUAllocator|alloc_cpu|posix_memalign|DNNL_OUT_OF_MEMORY|dnnl_out_of_memory"
    r"|could not create a (memory object|primitive|memory)$|Invalid buffer size",
    re.IGNORECASE,
)

_DEVICE_LOST = re.compile(
    r"device-side assert|(cuda|hip)Error(Assert|IllegalAddress|IllegalInstruction|MisalignedAddress|InvalidAddressSpace|InvalidPc"
    r"|HardwareStackError|LaunchFailure|LaunchTimeout|ECCUncorrectable|NvlinkUncorrectable|MpsRpcFailure|MpsClientTerminated"
    r"|DevicesUnavailable|NoDevice|ContextIsDestroyed|DeviceUninitialized|SystemDriverMismatch|SystemNotReady|Contained|TensorMemoryLeak"
    r"|ExternalDevice|Unknown)\b"
    r"|CUDA_ERROR_(ASSERT|ILLEGAL_ADDRESS|ILLEGAL_INSTRUCTION|MISALIGNED_ADDRESS|INVALID_ADDRESS_SPACE|INVALID_PC|HARDWARE_STACK_ERROR"
    r"|LAUNCH_FAILED|LAUNCH_TIMEOUT|ECC_UNCORRECTABLE|NVLINK_UNCORRECTABLE|DEINITIALIZED|CONTEXT_IS_DESTROYED|NO_DEVICE|DEVICE_UNAVAILABLE"
    r"|SYSTEM_NOT_READY|UNKNOWN)\b"
    r"|illegal memory access|illegal instruction|illegal address|misaligned address|operation not supported on global/shared address space"
    r"|invalid program counter|hardware stack error|unspecified launch failure|launch timed out|the launch timed out"
    r"|uncorrectable (ECC|NVLink|memory)|ECC error|\bXid\b|GPU is lost|device is lost|device (was )?lost|fallen off the bus"
    r"|no longer available|CUDA-capable device\(s\) is/are busy|no CUDA-capable device|driver shutting down|context is destroyed"
    r"|CUDNN_STATUS_(EXECUTION_FAILED|INTERNAL_ERROR|MAPPING_ERROR)\w*|CUBLAS_STATUS_(EXECUTION_FAILED|MAPPING_ERROR|INTERNAL_ERROR)"
    r"|CUFFT_EXEC_FAILED|CUDA (driver )?error: (unknown error|initialization error|device unavailable)"
    r"|HIP error: (unknown error|unspecified|illegal|device)|HSA_STATUS_ERROR|Memory access fault by GPU|GPU (hang|reset)"
    r"|kIOGPUCommandBufferCallbackError(?!OutOfMemory)|command buffer exited with error status",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the machine ran out of memory, by the type or the text of an error or of one that caused it."""
    return any(_is_memory(each) for each in _chain(error))


def is_device_lost(error: BaseException) -> bool:
    """Whether the device has failed so that every later call of this process on it fails too."""
    return not is_out_of_memory(error) and any(_is_runtime(each) and _DEVICE_LOST.search(str(each)) is not None for each in _chain(error))


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return _is_runtime(error) and _OUT_OF_MEMORY.search(str(error)) is not None


def _is_runtime(error: BaseException) -> bool:
    """Whether an error can come from PyTorch, and not from a graph capture. OSError: there was no memory to load a library."""
    return isinstance(error, (RuntimeError, OSError)) and _CAPTURE.search(str(error)) is None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and its explicit causes."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__
