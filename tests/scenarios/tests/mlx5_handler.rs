//! The worked example's handler, compiled for this host: its own tests run here, as an IHV's would.

#[expect(dead_code, reason = "the driver registers the handler; its parts are tested here")]
#[path = "../../../driver/src/mlx5/mod.rs"]
mod mlx5;
