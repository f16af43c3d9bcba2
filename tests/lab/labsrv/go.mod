module labsrv

go 1.26
