// What rtl/cosim/main.cpp is to Verilator, for a simulator of Verilog alone: the same commands from standard input, without waveforms.
//   h WHAT ADDRESS DATA     a cycle at the host's port
//   c N                     N cycles pass, then a line "." is written
module main;
    localparam STDIN = 32'h80000000, RESET_CYCLES = 64;
    reg clk, reset, host_valid;
    reg [7:0] host_what;
    reg [47:0] host_address;
    reg [63:0] host_data;
    wire [31:0] unused_step, unused_cycle;
    bench bench (.clk(clk), .reset(reset), .host_valid(host_valid), .host_what(host_what), .host_address(host_address), .host_data(host_data),
        .step(unused_step), .cycle(unused_cycle));

    task run(input integer cycles);
        repeat (cycles) begin
            clk = 1'b0;
            #1 clk = 1'b1;
            #1;
        end
    endtask

    reg [8*80-1:0] line;
    reg [63:0] cycles;
    initial begin
        {reset, host_valid, host_what, host_address, host_data} = {1'b1, 121'd0};
        run(RESET_CYCLES);
        reset = 1'b0;
        run(RESET_CYCLES);
        while ($fgets(line, STDIN) != 0) begin
            if ($sscanf(line, "h %h %h %h", host_what, host_address, host_data) == 3) begin
                host_valid = 1'b1;
                run(1);
                host_valid = 1'b0;
            end else if ($sscanf(line, "c %h", cycles) == 1) begin
                run(cycles[31:0]);
                $write(".\n");
                $fflush;
            end else $finish;
        end
        $finish;
    end
endmodule
