#!/bin/sh
# usage: mpirun.sh -n RANKS PROGRAM ARGUMENT...
#
# Open MPI's mpirun for tests: ranks on this machine alone, as any user, in a container too. Root may, ranks may outnumber CPUs and none is
# bound to one; no ssh is looked for. The few bytes that ranks exchange go through the loopback interface: a container often has too little
# shared memory, and forbids reading another process's. Drivers of network cards and of GPUs are left out: they warn of what is not there.
set -eu
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_plm=isolated OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_btl_tcp_if_include=lo
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,tcp PMIX_MCA_gds=hash HWLOC_COMPONENTS=-gl,-opencl,-cuda,-nvml
exec mpirun "$@"
