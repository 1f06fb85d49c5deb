// Two memberlists of this module's version talk to each other; what each sends is written down.
package main

import (
	"bytes"
	"compress/lzw"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

type recorder struct {
	memberlist.NodeAwareTransport
	mu    *sync.Mutex
	count map[string]int
}

func (r *recorder) add(kind string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count[kind]++
	if r.count[kind] <= 8 {
		fmt.Printf("%s %x\n", kind, data)
	}
}

func (r *recorder) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	r.add("udp", b)
	return r.NodeAwareTransport.WriteToAddress(b, a)
}
func (r *recorder) DialAddressTimeout(a memberlist.Address, d time.Duration) (net.Conn, error) {
	c, err := r.NodeAwareTransport.DialAddressTimeout(a, d)
	if err != nil {
		return c, err
	}
	return &conn{Conn: c, r: r}, nil
}

type conn struct {
	net.Conn
	r        *recorder
	out, in_ bytes.Buffer
}

func (c *conn) Write(b []byte) (int, error) { c.out.Write(b); return c.Conn.Write(b) }
func (c *conn) Read(b []byte) (int, error)  { n, e := c.Conn.Read(b); c.in_.Write(b[:n]); return n, e }
func (c *conn) Close() error {
	if c.out.Len() > 0 {
		c.r.add("tcp_out", c.out.Bytes())
		c.r.add("tcp_answer", c.in_.Bytes())
		c.out.Reset()
	}
	return c.Conn.Close()
}

type delegate struct{ queued [][]byte }

func (d *delegate) NodeMeta(int) []byte { return []byte("\xff\x81\xa4role\xa3web") }
func (d *delegate) NotifyMsg([]byte)    {}
func (d *delegate) GetBroadcasts(overhead, limit int) [][]byte {
	q := d.queued
	d.queued = nil
	return q
}
func (d *delegate) LocalState(bool) []byte            { return bytes.Repeat([]byte("state "), 50) }
func (d *delegate) MergeRemoteState([]byte, bool)     {}

func start(name string, port int, label string, key []byte, compress bool, mu *sync.Mutex, record bool, proto uint8) *memberlist.Memberlist {
	c := memberlist.DefaultLocalConfig()
	c.Name, c.BindAddr, c.BindPort, c.AdvertisePort = name, "127.0.0.1", port, port
	c.Label, c.SecretKey, c.EnableCompression, c.LogOutput = label, key, compress, io.Discard
	c.GossipVerifyIncoming, c.GossipVerifyOutgoing = true, true
	c.ProtocolVersion = proto
	c.Delegate = &delegate{queued: [][]byte{[]byte("\x03user one"), []byte("\x03user two")}}
	c.DelegateProtocolMin, c.DelegateProtocolMax, c.DelegateProtocolVersion = 2, 5, 5
	t, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{"127.0.0.1"}, BindPort: port, Logger: nil})
	if err != nil {
		panic(err)
	}
	c.Transport = t
	if record {
		c.Transport = &recorder{t, mu, map[string]int{}}
	}
	m, err := memberlist.Create(c)
	if err != nil {
		panic(err)
	}
	return m
}

type signed struct {
	Int  int64
	Uint uint64
	Text string
	Raw  []byte
}

func main() {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	var mu sync.Mutex
	scenarios := []struct {
		name, label string
		key         []byte
		compress    bool
		proto       uint8
	}{
		{"plain", "", nil, false, 2}, {"compressed", "", nil, true, 2},
		{"labelled", "blue", nil, true, 2}, {"sealed", "blue", key, true, 2}, {"sealed_v0", "", key[:16], false, 1},
	}
	for i, s := range scenarios {
		fmt.Printf("# %s\n", s.name)
		b := start("b", 28310+10*i, s.label, s.key, s.compress, &mu, false, s.proto)
		a := start("a", 28311+10*i, s.label, s.key, s.compress, &mu, true, s.proto)
		if _, err := a.Join([]string{fmt.Sprintf("127.0.0.1:%d", 28310+10*i)}); err != nil {
			panic(err)
		}
		for _, n := range a.Members() {
			if n.Name == "b" {
				a.SendReliable(n, []byte("reliable"))
				a.SendBestEffort(n, bytes.Repeat([]byte("best effort "), 10))
			}
		}
		time.Sleep(1500 * time.Millisecond)
		a.Leave(time.Second)
		mu.Lock()
		a.Shutdown()
		mu.Unlock()
		b.Shutdown()
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Println("# msgpack")
	for _, ext := range []bool{false, true} {
		for _, v := range []int64{0, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1<<31 - 1, 1 << 31, 1 << 32, -1, -32, -33, -128, -129, -32769} {
			for _, n := range []int{0, 31, 32, 255, 256, 65535, 65536} {
				if n != 0 && v != 0 {
					continue
				}
				var out []byte
				h := codec.MsgpackHandle{WriteExt: ext}
				codec.NewEncoderBytes(&out, &h).Encode(&signed{v, uint64(v), string(bytes.Repeat([]byte{'t'}, n)), make([]byte, n)})
				fmt.Printf("ext_%v_%d_%d %08x %d", ext, v, n, crc32.ChecksumIEEE(out), len(out))
				fmt.Println()
			}
		}
	}
	fmt.Println("# lzw")
	for _, bits := range []uint{1, 2, 4, 8} {
		for _, size := range []int{0, 1, 2, 3, 255, 256, 257, 258, 3838, 3839, 3840, 3841, 4095, 4096, 4097, 10000, 100000, 1000000} {
			x := uint32(bits)*7919 + uint32(size)
			data := make([]byte, size)
			for i := range data {
				x = x*1664525 + 1013904223
				data[i] = byte(x>>24) & (1<<bits - 1)
			}
			var buf bytes.Buffer
			w := lzw.NewWriter(&buf, lzw.LSB, 8)
			w.Write(data)
			w.Close()
			fmt.Printf("%d %d %d %08x\n", bits, size, buf.Len(), crc32.ChecksumIEEE(buf.Bytes()))
		}
	}
	os.Stdout.Sync()
}
