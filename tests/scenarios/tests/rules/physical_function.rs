//! The buffers that a physical function's driver is lent, and the levels it returns at.

crate::wrong::wrong_drivers! {
    a_read_that_succeeds_fills_its_buffer:
        Pf "leave_unfilled" breaks UnfilledRead calling "ReadVfConfigBlock" in "leave_unfilled";
    a_read_ends_with_its_buffer:
        Pf "fill_too_much" breaks Access calling "" in "fill_too_much";
    a_read_begins_with_its_buffer:
        Pf "fill_before" breaks PoolOverrun calling "ReadVfConfigBlock" in "fill_before";
    a_write_leaves_its_buffer_alone:
        Pf "change_source" breaks Access calling "WriteVfConfigBlock" in "change_source";
    a_write_ends_with_its_buffer:
        Pf "read_too_much" breaks Access calling "memcpy" in "read_too_much";
    an_interface_has_its_structures_size:
        Pf "short_interface" breaks BadParameter calling "IRP_MN_QUERY_INTERFACE" in "nothing_to_count";
    a_block_routine_returns_at_the_level_of_its_call:
        Pf "return_raised" breaks ReturnedIrql calling "" in "return_raised";
}
