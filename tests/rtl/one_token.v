// A host for a chip in any simulator of plain Verilog: one token at one position, as +token=N +position=N say, and the token that the chip chooses.
// It writes "token T nan N none N, C cycles", cycles counted from the step's begin, or "no token".
module one_token;
    localparam RESET_CYCLES = 64;
    reg clk, reset, host_valid;
    reg [7:0] host_what;
    reg [47:0] host_address;
    reg [63:0] host_data;
    wire out_valid;
    wire [7:0] out_what;
    wire [63:0] out_data;
    integer token, position, most, cycle;
    roma_chip chip (.clk(clk), .reset(reset), .host_valid(host_valid), .host_what(host_what), .host_address(host_address), .host_data(host_data),
        .out_valid(out_valid), .out_what(out_what), .out_data(out_data));
    always #1 clk = !clk;
    task send(input [7:0] what, input [47:0] address, input [63:0] data);
        begin
            {host_valid, host_what, host_address, host_data} = {1'b1, what, address, data};
            @(negedge clk) host_valid = 1'b0;
        end
    endtask
    initial begin
        {clk, reset, host_valid} = 3'b010;
        if (!$value$plusargs("token=%d", token)) token = 0;
        if (!$value$plusargs("position=%d", position)) position = 0;
        if (!$value$plusargs("most=%d", most)) most = 100000;
        repeat (RESET_CYCLES) @(negedge clk);
        reset = 1'b0;
        repeat (RESET_CYCLES) @(negedge clk);
        send(8'd0, 48'd0, 64'h101);
        send(8'd0, 48'd1, {token, position});
        send(8'd1, 48'd0, 64'd0);
        cycle = 0;
        while (!out_valid && cycle < most) begin
            @(negedge clk) cycle = cycle + 1;
            if (cycle % 50 == 0) $display("cycle %0d", cycle);
        end
        if (out_valid) $display("token %0d nan %0d none %0d, %0d cycles", out_data[23:0], out_data[32], out_data[33], cycle);
        else $display("no token");
        $finish;
    end
endmodule
