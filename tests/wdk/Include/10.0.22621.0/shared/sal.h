/* Source annotations, for the analyser of Microsoft's compiler; empty for any other. */
#ifndef MINI_SAL_H
#define MINI_SAL_H

#define _In_
#define _In_opt_
#define _Out_
#define _Out_opt_
#define _Inout_
#define _Inout_opt_
#define _Outptr_
#define _Outptr_opt_
#define _Use_decl_annotations_
#define _Must_inspect_result_
#define _Reserved_
#define _Function_class_(name)
#define _IRQL_requires_(irql)
#define _IRQL_requires_max_(irql)
#define _IRQL_requires_min_(irql)
#define _IRQL_requires_same_
#define _In_reads_bytes_(size)
#define _Out_writes_bytes_(size)
#define _Out_writes_bytes_all_(size)
#define _Inout_updates_bytes_(size)
#define _When_(condition,annotations)

#endif
