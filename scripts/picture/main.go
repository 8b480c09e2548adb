// Picture draws cats, each of another colour, for the demo to hang up: picture <folder> <how many>.
package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strconv"
)

const side = 320

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: picture <folder> <how many>")
	}
	count, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("read the number of pictures: %w", err)
	}
	for i := range count {
		if err := save(filepath.Join(args[0], fmt.Sprintf("cat-%d.png", i+1)), cat(i)); err != nil {
			return fmt.Errorf("save picture: %w", err)
		}
	}
	return nil
}

func save(path string, picture image.Image) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(file, picture); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// cat paints the i-th cat: every point belongs to the first shape that covers it.
func cat(i int) image.Image {
	fur, wall := tint(float64(i)*137.5, 0.62), tint(float64(i)*137.5+180, 0.9)
	ink, eye, nose := color.RGBA{40, 40, 50, 255}, color.RGBA{250, 250, 210, 255}, color.RGBA{235, 140, 150, 255}
	picture := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			// The face is symmetric: right and left are one half, with u its distance from the middle.
			u, v := math.Abs(float64(x)-side/2), float64(y)
			switch {
			case oval(u, v, 45, 165, 7, 22):
				picture.Set(x, y, ink)
			case oval(u, v, 45, 165, 24, 26):
				picture.Set(x, y, eye)
			case oval(u, v, 0, 205, 12, 8):
				picture.Set(x, y, nose)
			case whisker(u, v):
				picture.Set(x, y, ink)
			case oval(u, v, 0, 185, 105, 90), ear(u, v):
				picture.Set(x, y, fur)
			default:
				picture.Set(x, y, wall)
			}
		}
	}
	return picture
}

func oval(x, y, cx, cy, rx, ry float64) bool {
	dx, dy := (x-cx)/rx, (y-cy)/ry
	return dx*dx+dy*dy <= 1
}

func ear(u, v float64) bool { return v > 45 && v < 140 && math.Abs(u-63) < (v-45)*0.3 }

func whisker(u, v float64) bool {
	return u > 45 && u < 135 && (math.Abs(v-218-(u-45)*0.12) < 1.5 || math.Abs(v-208+(u-45)*0.08) < 1.5)
}

// tint is a colour of that hue, in degrees, and brightness.
func tint(hue, brightness float64) color.RGBA {
	channel := func(shift float64) uint8 {
		return uint8(255 * (brightness + 0.1*math.Cos((hue+shift)*math.Pi/180)))
	}
	return color.RGBA{channel(0), channel(240), channel(120), 255}
}
