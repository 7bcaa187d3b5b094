"""Errors are classified by type and text: memory that ran out, a device that is lost, or neither."""

from __future__ import annotations

import errno

import pytest
import torch

from tts_server.engines.chatterbox.faults import is_device_lost, is_out_of_memory

MEMORY = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 5.79 GiB"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call"),
    RuntimeError("CUDA driver error: out of memory"),
    RuntimeError("HIP out of memory. Tried to allocate 512.00 MiB"),
    RuntimeError("HIP error: out of memory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9.06 GB, other allocations: 1.2 GB, max allowed: 9.07 GB)"),
    RuntimeError("XPU out of memory. Tried to allocate 1.00 GiB"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
    RuntimeError("HIPBLAS_STATUS_ALLOC_FAILED when calling `hipblasCreate(handle)`"),
    RuntimeError("miopenStatusAllocFailed"),
    RuntimeError("std::bad_alloc"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: not enough memory: you tried to allocate 400000000000 bytes."),
    RuntimeError("could not create a memory object"),
    RuntimeError("could not create a primitive"),
    RuntimeError("unable to mmap 1915000000 bytes from file </models/t3.safetensors>: Cannot allocate memory (12)"),
    RuntimeError("Invalid buffer size: 28.61 GiB"),
]

LOST = [
    RuntimeError("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("CUDA error: an illegal instruction was encountered"),
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("CUDA error: unspecified launch failure"),
    RuntimeError("CUDA error: misaligned address"),
    RuntimeError("CUDA error: the launch timed out and was terminated"),
    RuntimeError("CUDA error: uncorrectable ECC error encountered"),
    RuntimeError("CUDA error: uncorrectable NVLink error detected during the execution"),
    RuntimeError("CUDA error: invalid program counter"),
    RuntimeError("CUDA error: hardware stack error"),
    RuntimeError("CUDA error: operation not supported on global/shared address space"),
    RuntimeError("CUDA error: unknown error"),
    RuntimeError("CUDA error: driver shutting down"),
    RuntimeError("CUDA error: context is destroyed"),
    RuntimeError("cudaErrorLaunchFailure: unspecified launch failure"),
    RuntimeError("cudaErrorIllegalAddress"),
    RuntimeError("CUDA driver error: CUDA_ERROR_ILLEGAL_ADDRESS"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm( handle, opa, opb, m, n, k)`"),
    RuntimeError("NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."),
    RuntimeError("GPU is lost.  Reboot the system to recover this GPU"),
    RuntimeError("HIP error: an illegal memory access was encountered"),
    RuntimeError("HIP error: unspecified launch failure"),
    RuntimeError("HSA_STATUS_ERROR_EXCEPTION: An HSAIL operation resulted in a hardware exception."),
    torch.AcceleratorError("CUDA error: device-side assert triggered")
    if hasattr(torch, "AcceleratorError")
    else RuntimeError("device is lost"),
]

OTHERS = [
    RuntimeError("CUDA error: operation not permitted when stream is capturing"),
    RuntimeError("CUDA error: operation failed due to a previous error during capture"),
    RuntimeError("CUDA error: operation would make the legacy stream depend on a capturing blocking stream"),
    RuntimeError("cudaErrorStreamCaptureInvalidated"),
    RuntimeError("CUDA driver error: operation not permitted when stream is capturing"),
    RuntimeError("The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 0"),
    RuntimeError("Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"),
    RuntimeError("CUDA error: invalid argument"),
    RuntimeError("CUDA error: no kernel image is available for execution on the device"),
    RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
    ValueError("out of memory is what this text is about"),
    KeyError("illegal memory access"),
    OSError(errno.ENOENT, "No such file or directory"),
]


@pytest.mark.parametrize("error", MEMORY, ids=str)
def test_memory_that_ran_out_is_recognised(error):
    assert (is_out_of_memory(error), is_device_lost(error)) == (True, False)


@pytest.mark.parametrize("error", LOST, ids=str)
def test_a_lost_device_is_recognised(error):
    assert (is_out_of_memory(error), is_device_lost(error)) == (False, True)


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_what_is_neither_is_taken_for_neither(error):
    assert (is_out_of_memory(error), is_device_lost(error)) == (False, False)


def test_the_cause_of_an_error_counts_too():
    outer = RuntimeError("3 of the sequences failed")
    outer.__cause__ = torch.OutOfMemoryError("CUDA out of memory.")
    assert is_out_of_memory(outer)
    outer.__cause__ = RuntimeError("CUDA error: an illegal memory access was encountered")
    assert is_device_lost(outer)


def test_errors_of_this_machines_own_allocator_are_recognised():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)
