/* Buffers, parameters and requestor mode of a request, and the Information it is completed with. */
#include "probe.h"

/* What the driver does with a device control request. */
static void (*handle)(WDFREQUEST request);

typedef NTSTATUS RETRIEVE(WDFREQUEST request, size_t minimum, PVOID *buffer, size_t *length);

static void retrieve(const char *routine, RETRIEVE *retrieve_buffer, WDFREQUEST request, size_t minimum)
{
    PVOID buffer = NULL;
    size_t length = 999;
    NTSTATUS status = retrieve_buffer(request, minimum, &buffer, &length);
    line("'wdf':'%s','args':{'minimum':%d},'status':'0x%08X','buffer':%s,'length':%d", routine, (int)minimum, status,
        buffer ? "'set'" : "null", (int)length);
}

/* The framework's routines are inline: a pointer needs a function of its own. */
static NTSTATUS input_of(WDFREQUEST request, size_t minimum, PVOID *buffer, size_t *length)
{
    return WdfRequestRetrieveInputBuffer(request, minimum, buffer, length);
}

static NTSTATUS output_of(WDFREQUEST request, size_t minimum, PVOID *buffer, size_t *length)
{
    return WdfRequestRetrieveOutputBuffer(request, minimum, buffer, length);
}

static NTSTATUS unsafe_input_of(WDFREQUEST request, size_t minimum, PVOID *buffer, size_t *length)
{
    return WdfRequestRetrieveUnsafeUserInputBuffer(request, minimum, buffer, length);
}

static NTSTATUS unsafe_output_of(WDFREQUEST request, size_t minimum, PVOID *buffer, size_t *length)
{
    return WdfRequestRetrieveUnsafeUserOutputBuffer(request, minimum, buffer, length);
}

static void retrieve_input(WDFREQUEST request, size_t minimum)
{
    retrieve("WdfRequestRetrieveInputBuffer", input_of, request, minimum);
}

static void retrieve_output(WDFREQUEST request, size_t minimum)
{
    retrieve("WdfRequestRetrieveOutputBuffer", output_of, request, minimum);
}

static void show_parameters(WDFREQUEST request)
{
    WDF_REQUEST_PARAMETERS parameters;
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(request, &parameters);
    line("'wdf':'WdfRequestGetParameters','args':{'request':'%s'},'type':%d,'minor':%d,'out':%d,'in':%d,"
         "'code':'0x%08X','type3':%s,'mode':%d,'reserved':%d",
        request_name(request), parameters.Type, parameters.MinorFunction,
        (int)parameters.Parameters.DeviceIoControl.OutputBufferLength,
        (int)parameters.Parameters.DeviceIoControl.InputBufferLength,
        parameters.Parameters.DeviceIoControl.IoControlCode,
        parameters.Parameters.DeviceIoControl.Type3InputBuffer ? "'set'" : "null",
        WdfRequestGetRequestorMode(request), WdfRequestIsReserved(request));
}

static void show_memory(WDFREQUEST request)
{
    WDFMEMORY memory = NULL;
    PMDL list = NULL;
    size_t length = 0;
    NTSTATUS status = WdfRequestRetrieveInputMemory(request, &memory);
    if (NT_SUCCESS(status)) {
        WdfMemoryGetBuffer(memory, &length);
    }
    line("'wdf':'WdfRequestRetrieveInputMemory','status':'0x%08X','length':%d", status, (int)length);
    length = 0;
    status = WdfRequestRetrieveOutputMemory(request, &memory);
    if (NT_SUCCESS(status)) {
        WdfMemoryGetBuffer(memory, &length);
    }
    line("'wdf':'WdfRequestRetrieveOutputMemory','status':'0x%08X','length':%d", status, (int)length);
    status = WdfRequestRetrieveInputWdmMdl(request, &list);
    line("'wdf':'WdfRequestRetrieveInputWdmMdl','status':'0x%08X','bytes':%d", status,
        list ? (int)MmGetMdlByteCount(list) : 0);
    list = NULL;
    status = WdfRequestRetrieveOutputWdmMdl(request, &list);
    line("'wdf':'WdfRequestRetrieveOutputWdmMdl','status':'0x%08X','bytes':%d", status,
        list ? (int)MmGetMdlByteCount(list) : 0);
}

static void compare_buffers(WDFREQUEST request)
{
    PVOID input = NULL, output = NULL;
    if (NT_SUCCESS(WdfRequestRetrieveInputBuffer(request, 0, &input, NULL)) &&
        NT_SUCCESS(WdfRequestRetrieveOutputBuffer(request, 0, &output, NULL))) {
        line("'note':'input and output buffer are %s'", input == output ? "the same address" : "different");
    }
}

static void device_control(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    entered("EvtIoDeviceControl", "'queue':'%s','request':'%s','out':%d,'in':%d,'code':'0x%08X'", name_of(queue),
        present(request), (int)output, (int)input, code);
    handle(request);
    line("'end':'EvtIoDeviceControl'");
}

static void read(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    entered("EvtIoRead", "'request':'%s','length':%d", present(request), (int)length);
    retrieve_input(request, 0);
    retrieve_output(request, 0);
    retrieve_output(request, 9);
    complete(request, STATUS_SUCCESS, length);
}

static void write(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    entered("EvtIoWrite", "'request':'%s','length':%d", present(request), (int)length);
    retrieve_input(request, 0);
    retrieve_output(request, 0);
    retrieve_input(request, 9);
    complete(request, STATUS_SUCCESS, length);
}

static NTSTATUS buffered_io(PWDFDEVICE_INIT init)
{
    WdfDeviceInitSetIoType(init, WdfDeviceIoBuffered);
    return STATUS_SUCCESS;
}

static NTSTATUS with_queue(WDFDEVICE device)
{
    WDFQUEUE queue;
    WDF_IO_QUEUE_CONFIG config;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = device_control;
    config.EvtIoInternalDeviceControl = device_control;
    config.EvtIoRead = read;
    config.EvtIoWrite = write;
    return create_queue(device, &config, "queue", &queue);
}

static void up(void)
{
    driver.callbacks = NO_CALLBACKS;
    driver.before_device = buffered_io;
    driver.with_device = with_queue;
    bring_up();
}

/* ---- retrieving */

static void retrieve_everything(WDFREQUEST request)
{
    static const size_t minima[] = {0, 1, 7, 8, 9, 16, 17};
    const ULONG count = sizeof(minima) / sizeof(minima[0]);
    show_parameters(request);
    for (ULONG i = 0; i < count; i++) {
        retrieve_input(request, minima[i]);
    }
    for (ULONG i = 0; i < count; i++) {
        retrieve_output(request, minima[i]);
    }
    compare_buffers(request);
    show_memory(request);
    complete(request, STATUS_SUCCESS, 5);
}

static void retrieve_unsafely(WDFREQUEST request)
{
    show_parameters(request);
    retrieve_input(request, 0);
    retrieve_output(request, 0);
    retrieve("WdfRequestRetrieveUnsafeUserInputBuffer", unsafe_input_of, request, 0);
    retrieve("WdfRequestRetrieveUnsafeUserOutputBuffer", unsafe_output_of, request, 0);
    show_memory(request);
    complete(request, STATUS_SUCCESS, 0);
}

static void send(ULONG method, ULONG input, ULONG output, KPROCESSOR_MODE mode)
{
    SendIo(IRP_MJ_DEVICE_CONTROL, IOCTL(0, method), input, output, NULL, mode);
}

static void every_length(ULONG method)
{
    static const ULONG lengths[][2] = {{8, 8}, {0, 0}, {8, 0}, {0, 8}, {16, 8}, {8, 16}};
    handle = retrieve_everything;
    up();
    for (ULONG i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        send(method, lengths[i][0], lengths[i][1], UserMode);
    }
    send(method, 8, 8, KernelMode);
    take_down();
}

static void buffer_buffered(void)
{
    every_length(METHOD_BUFFERED);
}

static void buffer_neither(void)
{
    every_length(METHOD_NEITHER);
}

static void buffer_in_direct(void)
{
    every_length(METHOD_IN_DIRECT);
}

static void buffer_out_direct(void)
{
    every_length(METHOD_OUT_DIRECT);
}

static void buffer_unsafe(void)
{
    handle = retrieve_unsafely;
    up();
    send(METHOD_NEITHER, 8, 8, UserMode);
    send(METHOD_NEITHER, 0, 0, UserMode);
    send(METHOD_BUFFERED, 8, 8, UserMode);
    take_down();
}

static void buffer_internal(void)
{
    handle = retrieve_everything;
    up();
    SendIo(IRP_MJ_INTERNAL_DEVICE_CONTROL, IOCTL(0, METHOD_BUFFERED), 8, 8, NULL, KernelMode);
    SendIo(IRP_MJ_INTERNAL_DEVICE_CONTROL, IOCTL(0, METHOD_NEITHER), 8, 8, NULL, KernelMode);
    take_down();
}

static void buffer_readwrite(void)
{
    up();
    SendIo(IRP_MJ_READ, 0, 0, 8, NULL, UserMode);
    SendIo(IRP_MJ_WRITE, 0, 8, 0, NULL, UserMode);
    SendIo(IRP_MJ_READ, 0, 0, 0, NULL, UserMode);
    SendIo(IRP_MJ_WRITE, 0, 0, 0, NULL, UserMode);
    take_down();
}

/* ---- completing */

static void succeed(WDFREQUEST request)
{
    complete(request, STATUS_SUCCESS, 8);
}

static void warn(WDFREQUEST request)
{
    complete(request, STATUS_BUFFER_OVERFLOW, 8);
}

static void fail(WDFREQUEST request)
{
    complete(request, STATUS_INVALID_PARAMETER, 8);
}

static void claim_too_much(WDFREQUEST request)
{
    complete(request, STATUS_SUCCESS, 4096);
}

static void set_information(WDFREQUEST request)
{
    WdfRequestSetInformation(request, 6);
    line("'wdf':'WdfRequestGetInformation','value':%d", (int)WdfRequestGetInformation(request));
    line("'call':'WdfRequestComplete','with':'0x%08X'", STATUS_SUCCESS);
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static void boost(WDFREQUEST request)
{
    line("'call':'WdfRequestCompleteWithPriorityBoost','with':'0x%08X'", STATUS_UNSUCCESSFUL);
    WdfRequestSetInformation(request, 3);
    WdfRequestCompleteWithPriorityBoost(request, STATUS_UNSUCCESSFUL, 1);
}

static void complete_pending(WDFREQUEST request)
{
    line("'wdf':'WdfRequestGetStatus','value':'0x%08X'", WdfRequestGetStatus(request));
    line("'wdf':'WdfRequestGetInformation','value':%d", (int)WdfRequestGetInformation(request));
    line("'wdf':'WdfRequestGetFileObject','value':%s", WdfRequestGetFileObject(request) ? "'set'" : "null");
    line("'wdf':'WdfRequestGetIoQueue','value':'%s'", name_of(WdfRequestGetIoQueue(request)));
    line("'call':'WdfRequestComplete','with':'0x%08X'", STATUS_PENDING);
    WdfRequestComplete(request, STATUS_PENDING);
}

static void fill_output(WDFREQUEST request)
{
    UCHAR *bytes;
    size_t length;
    if (NT_SUCCESS(WdfRequestRetrieveOutputBuffer(request, 4, (PVOID *)&bytes, &length))) {
        bytes[0] = 0xA1;
        bytes[3] = 0xA4;
    }
    complete(request, STATUS_SUCCESS, 4);
}

static void buffer_information(void)
{
    static void (*const handlers[])(WDFREQUEST) = {
        succeed, warn, fail, claim_too_much, set_information, boost, complete_pending, fill_output};
    const ULONG count = sizeof(handlers) / sizeof(handlers[0]);
    SENT last = 0;
    up();
    for (ULONG i = 0; i < count; i++) {
        handle = handlers[i];
        last = control(2 + i, 8, 8);
    }
    line("'caller sees':{'byte0':'0x%02X','byte3':'0x%02X'}", OutputByte(last, 0), OutputByte(last, 3));
    take_down();
}

static void buffer_information_noout(void)
{
    handle = succeed;
    up();
    control(2, 8, 0);
    take_down();
}

SCENARIOS {
    {"buffer-buffered", buffer_buffered},
    {"buffer-in-direct", buffer_in_direct},
    {"buffer-information", buffer_information},
    {"buffer-information-noout", buffer_information_noout},
    {"buffer-internal", buffer_internal},
    {"buffer-neither", buffer_neither},
    {"buffer-out-direct", buffer_out_direct},
    {"buffer-readwrite", buffer_readwrite},
    {"buffer-unsafe", buffer_unsafe},
    END_OF_SCENARIOS,
};
