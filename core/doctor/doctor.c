#include "doctor/doctor_parts.h"

int doctor_examine(const struct doctor_options *options, struct findings *findings, struct err *err)
{
    int code = doctor_machine(findings, err);
    if (code == 0) /* before anything is loaded into this process */
        code = doctor_backends(options, findings, err);
    if (code == 0)
        code = doctor_places(options, findings, err);
    if (code == 0)
        code = doctor_tools(findings, err);
    return code;
}
