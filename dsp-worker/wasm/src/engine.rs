//! The one way in which modules are compiled and run.

use wasmtime::{Config, Engine};

/// Bytes of the stack that a module's code has.
const STACK_BYTES: usize = 128 << 10;

/// No signals, no reserved memory, no files: a worker has given up all of that. What a
/// module may do is counted in instructions, not in time, so that whoever repeats a block
/// stops at the same one.
pub fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.wasm_features(wasmtime::WasmFeatures::all(), false);
    config.wasm_features(features(), true);
    config.signals_based_traps(false);
    config.memory_reservation(0);
    config.memory_reservation_for_growth(0);
    config.memory_guard_size(0);
    config.memory_init_cow(false);
    config.memory_may_move(false);
    config.guard_before_linear_memory(false);
    config.table_lazy_init(false);
    config.max_wasm_stack(STACK_BYTES);
    config.consume_fuel(true);
    config.wasm_backtrace_max_frames(None);
    config.native_unwind_info(false);
    config.generate_address_map(false);
    #[cfg(feature = "compiler")]
    config.cranelift_opt_level(wasmtime::OptLevel::Speed);
    Engine::new(&config)
}

fn features() -> wasmtime::WasmFeatures {
    wasmtime::WasmFeatures::from_bits_truncate(crate::check::features().bits())
}
